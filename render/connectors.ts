import { type Destination, smtpPort } from "../config/delivery";
import type { Detection } from "../detections/detection";
import { matchesNameOrId } from "../detections/settings";
import { countOf, windowOf } from "./rule";
import { stableJson } from "../core/json";

/** A Kibana connector's type, settings and secrets, as Kibana's API expects them. */
export interface RenderedConnector {
  readonly connectorTypeId: ".email" | ".slack" | ".teams" | ".webhook";
  /** Undefined if the type has no settings (Slack, Teams): the provider reads none back, so it would try to set them in every update. */
  readonly config?: string;
  readonly secrets: string;
}

/** Returns JSON as Go's encoding/json writes it: the provider compares a webhook's config with this text. */
function goJson(value: object): string {
  return stableJson(value).replaceAll(
    /[<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

/**
 * Returns the Kibana connector of a destination. Kibana accepts it with a Gold licence or better.
 * @param secret the destination's secret; empty if it has none
 */
export function renderConnector(destination: Destination, secret: string): RenderedConnector {
  const rendered = (
    connectorTypeId: RenderedConnector["connectorTypeId"],
    secrets: object,
    config?: object,
  ): RenderedConnector => ({
    connectorTypeId,
    ...(config && { config: goJson(config) }),
    secrets: stableJson(secrets),
  });
  const webhook = (url: string, headers: object) =>
    rendered(".webhook", {}, { url, method: "post", hasAuth: false, headers });
  const json = { "Content-Type": "application/json" };
  switch (destination.type) {
    case "email": {
      const { host, from, tls, user } = destination;
      const hasAuth = user !== undefined;
      // Without `secure`, Kibana uses STARTTLS only if the server offers it. So config/ refuses connectors without smtps.
      const config = {
        service: "other",
        host,
        port: smtpPort(destination),
        from,
        secure: tls === "smtps",
        hasAuth,
      };
      return rendered(".email", hasAuth ? { user, password: secret } : {}, config);
    }
    case "slack":
      return rendered(".slack", { webhookUrl: secret });
    case "teams":
      return rendered(".teams", { webhookUrl: secret });
    case "telegram":
      return webhook(`${destination.api}/bot${secret}/sendMessage`, json);
    case "webhook": {
      const { url, headers } = destination;
      const authorization = url !== undefined && secret !== "" ? { Authorization: secret } : {};
      return webhook(url ?? secret, { ...json, ...headers, ...authorization });
    }
  }
}

const EVENTS = [
  "The events that fired it:",
  "{{#context.hits}}",
  "- {{_source.@timestamp}}: {{_source.message}}",
  "{{/context.hits}}",
  "",
];

/** Returns whether a destination gets a detection's alerts. */
export function getsAlertsOf({ severities, rules }: Destination, detection: Detection): boolean {
  const isSelected = rules === undefined || rules.some((nameOrId) => matchesNameOrId(nameOrId, detection));
  return isSelected && severities.includes(detection.severity);
}

/**
 * Returns the params of a rule's action at a destination's connector, as JSON with mustache. Kibana fills in the mustache and
 * escapes the values, except for Teams. Teams interprets Markdown, so a log line could show a misleading link: a message to Teams
 * contains nothing from log lines.
 */
export function renderConnectorAction(destination: Destination, detection: Detection): string {
  const title = `[${detection.severity}] ${detection.title}`;
  const { size, unit } = windowOf(detection.logic);
  const showsEvents = destination.type !== "teams";
  const text = [
    title,
    ...(showsEvents ? ["About: {{alert.id}}"] : []),
    `Count: ${countOf(detection.logic)} within ${size}${unit}`,
    "",
    "What to do:",
    detection.note,
    "",
    ...(showsEvents ? EVENTS : []),
    "In Kibana: {{context.link}}",
  ].join("\n");
  switch (destination.type) {
    case "email":
      return stableJson({ to: destination.to, subject: title, message: text });
    case "slack":
    case "teams":
      return stableJson({ message: text });
    case "telegram":
      return stableJson({ body: stableJson({ chat_id: destination.chat, text }) });
    case "webhook":
      return stableJson({
        body: stableJson({
          destination: destination.name,
          title,
          text,
          rule: { id: detection.id, name: detection.title },
          severity: detection.severity,
          entity: "{{alert.id}}",
          link: "{{context.link}}",
        }),
      });
  }
}
