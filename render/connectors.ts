import { type Destination, smtpPort } from "../config/delivery";
import type { Detection } from "../detections/detection";
import { matchesNameOrId } from "../detections/settings";
import { countOf, windowOf } from "./rule";
import { stableJson } from "../core/json";

/** A Kibana connector's type, settings and secrets, as its API takes them. */
export interface RenderedConnector {
  readonly connectorTypeId: ".email" | ".slack" | ".teams" | ".webhook";
  /** Left out where the type has none: the provider reads none back for Slack and Teams, and would want to set it for ever. */
  readonly config?: string;
  readonly secrets: string;
}

/** JSON as the provider writes what it reads back (Go's encoding/json): it compares a webhook's config as texts. */
function goJson(value: object): string {
  return stableJson(value).replaceAll(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

/** The Kibana connector of a destination, for a licence that has it (Gold or more). `secret` is the destination's, empty where it has none. */
export function renderConnector(one: Destination, secret: string): RenderedConnector {
  const rendered = (
    connectorTypeId: RenderedConnector["connectorTypeId"],
    secrets: object,
    config?: object,
  ): RenderedConnector => ({
    connectorTypeId,
    ...(config && { config: goJson(config) }),
    secrets: stableJson(secrets),
  });
  const post = (url: string, headers: object) =>
    rendered(".webhook", {}, { url, method: "post", hasAuth: false, headers });
  const json = { "Content-Type": "application/json" };
  switch (one.type) {
    case "email": {
      const { host, from, tls, user } = one;
      const hasAuth = user !== undefined;
      // Without `secure` Kibana asks for STARTTLS, and goes on where the server has none: the config refuses that.
      const config = { service: "other", host, port: smtpPort(one), from, secure: tls === "smtps", hasAuth };
      return rendered(".email", hasAuth ? { user, password: secret } : {}, config);
    }
    case "slack":
      return rendered(".slack", { webhookUrl: secret });
    case "teams":
      return rendered(".teams", { webhookUrl: secret });
    case "telegram":
      return post(`${one.api}/bot${secret}/sendMessage`, json);
    case "webhook": {
      const authorization = one.url !== undefined && secret !== "" ? { Authorization: secret } : {};
      return post(one.url ?? secret, { ...json, ...one.headers, ...authorization });
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

/** Whether a destination gets a detection's alerts. */
export function isFor({ severities, rules }: Destination, detection: Detection): boolean {
  const meant = rules === undefined || rules.some((wanted) => matchesNameOrId(wanted, detection));
  return meant && severities.includes(detection.severity);
}

/**
 * The params of a rule's action at a destination's connector: mustache that Kibana fills in and escapes for where it goes. But
 * not for Teams, which would show a log line's Markdown, a link under another's name among it: there nothing of a line is told.
 */
export function renderConnectorAction(one: Destination, detection: Detection): string {
  const title = `[${detection.severity}] ${detection.title}`;
  const { size, unit } = windowOf(detection.logic);
  const told = one.type !== "teams";
  const text = [
    title,
    ...(told ? ["About: {{alert.id}}"] : []),
    `Count: ${countOf(detection.logic)} within ${size}${unit}`,
    "",
    "What to do:",
    detection.note,
    "",
    ...(told ? EVENTS : []),
    "In Kibana: {{context.link}}",
  ].join("\n");
  switch (one.type) {
    case "email":
      return stableJson({ to: one.to, subject: title, message: text });
    case "slack":
    case "teams":
      return stableJson({ message: text });
    case "telegram":
      return stableJson({ body: stableJson({ chat_id: one.chat, text }) });
    case "webhook":
      return stableJson({
        body: stableJson({
          destination: one.name,
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
