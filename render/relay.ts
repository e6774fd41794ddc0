import { stringify } from "yaml";
import { RELAY_UNIT } from "../core/names";
import { type Delivery, type Destination, smtpPort } from "../config/delivery";
import type { Detection } from "../detections/detection";
import { matchesNameOrId } from "../detections/settings";
import { ELASTICSEARCH_PORT, KIBANA_PATH, KIBANA_PORT } from "./elastic";
import { HEADER } from "../core/header";

const FOLDER = `/etc/${RELAY_UNIT}`;

/** The rule that finds verify's canary (detections/rules/siem_canary.yml), and the one that a test alert says it is of. */
export const CANARY_RULE = "7c8f0a52-6d0e-4c0b-9a43-1f7d2b6ce3a9";
export const TEST_RULE = "dhis2-siem-test";
/** Tests go to every destination, at once. */
const TESTS = [CANARY_RULE, TEST_RULE];

/** Where the relay works, and for which site. */
export interface RelayTarget {
  readonly fqdn: string;
  readonly timezone: string;
  /** `https://<fqdn>/siem`, without a slash at the end. */
  readonly kibanaUrl: string;
  readonly alertIndex: string;
  /** Id of the data view of alerts, for links. */
  readonly alertsView: string;
  /** Where the relay keeps what it found and sent; a second index has `_status` behind it. */
  readonly stateIndex: string;
}

/** What tests have otherwise than a site. */
export interface RelayPlace {
  readonly host?: string;
  readonly port?: number;
  readonly kibanaPort?: number;
  /** PEM file of the servers' CA; none: no TLS. */
  readonly ca?: string;
  readonly rulesFolder?: string;
  /** Seconds between two looks for alerts. */
  readonly runEvery?: number;
}

/** ElastAlert's config.yaml, without secrets. */
export function renderRelayConfig(target: RelayTarget, place: RelayPlace = {}): string {
  const { host = "127.0.0.1", port = ELASTICSEARCH_PORT, kibanaPort = KIBANA_PORT } = place;
  const { rulesFolder = `${FOLDER}/rules` } = place;
  const ca = "ca" in place ? place.ca : `${FOLDER}/ca.crt`;
  const scheme = ca === undefined ? "http" : "https";
  return (
    HEADER +
    stringify({
      es_host: host,
      es_port: port,
      ...(ca === undefined ? {} : { use_ssl: true, verify_certs: true, ca_certs: ca }),
      // Not ElastAlert's: where the relay asks whether Kibana works.
      kibana_status: `${scheme}://${host}:${kibanaPort}${KIBANA_PATH}/api/status`,
      rules_folder: rulesFolder,
      rules_loader: "siem_relay.Loader",
      writeback_index: target.stateIndex,
      run_every: { seconds: place.runEvery ?? 15 },
      // How far back each look goes again; what was found before is known by its id.
      buffer_time: { minutes: 15 },
      // A relay that stood still for longer begins anew.
      old_query_limit: { days: 30 },
      disable_rules_on_error: false,
      show_disabled_rules: false,
      max_threads: 20,
      misfire_grace_time: 60,
    })
  );
}

/** The file of ElastAlert's rule for each destination, by the destination's name. */
export function renderRelayRules(
  { destinations }: Delivery,
  target: RelayTarget,
  detections: readonly Detection[],
): Record<string, string> {
  const general = destinations.filter(isGeneral);
  return Object.fromEntries(
    destinations.map((one) => {
      const blind = general.length === 0 || general.includes(one);
      return [
        one.name,
        HEADER + stringify(rule(one, target, detections, blind), { aliasDuplicateObjects: false }),
      ];
    }),
  );
}

/** Whether a destination gets critical alerts of every rule. */
function isGeneral({ rules, severities }: Destination): boolean {
  return rules === undefined && severities.includes("critical");
}

const CLASSES: Readonly<Record<Destination["type"], string>> = {
  email: "Email",
  slack: "Slack",
  teams: "Teams",
  telegram: "Telegram",
  webhook: "Webhook",
};

/** `blind`: whether it is told that Elasticsearch or Kibana cannot be used. */
function rule(
  one: Destination,
  target: RelayTarget,
  detections: readonly Detection[],
  blind: boolean,
): object {
  return {
    name: one.name,
    type: "any",
    index: target.alertIndex,
    // Not the time of the alert: one that was written late would be overlooked.
    timestamp_field: "event.ingested",
    filter: renderFilter(one, detections),
    realert: { minutes: 0 },
    alert: [`siem_messages.${CLASSES[one.type]}`],
    relay: {
      site: target.fqdn,
      timezone: target.timezone,
      kibana: target.kibanaUrl,
      view: target.alertsView,
      group: one.group * 60,
      tests: TESTS,
      blind,
      quiet: one.quietHours.map(({ from, to }) => [from, to]),
      ...settings(one),
    },
  };
}

/** Elasticsearch's filters for a destination's alerts. A test, and one that cannot be read and so has no severity, go to everybody. */
export function renderFilter(one: Destination, detections: readonly Detection[]): object[] {
  const field = "dhis2.alert.severity";
  const wanted = [
    { terms: { [field]: one.severities } },
    ...(one.rules === undefined ? [] : [{ terms: { "rule.id": ruleIds(one.rules, detections) } }]),
  ];
  const should = [
    { bool: { filter: wanted } },
    { bool: { must_not: [{ exists: { field } }] } },
    { terms: { "rule.id": TESTS } },
  ];
  return [{ bool: { should, minimum_should_match: 1 } }];
}

/** The ids of Kibana's rules that are meant; a detection that watches each container is several. */
export function ruleIds(rules: readonly string[], detections: readonly Detection[]): string[] {
  return rules
    .flatMap((wanted) => detections.filter((detection) => matchesNameOrId(wanted, detection)))
    .map(({ id }) => id);
}

/** The mappings of the relay's state: one document for each alert of each destination, and one that says how far it has looked. */
export function renderRelayMappings(): object {
  const fields = (type: string, ...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, { type }]));
  return {
    dynamic: false,
    properties: {
      ...fields("keyword", "rule_name", "alert_id", "message_id"),
      ...fields("date", "@timestamp", "alert_time", "tried_at", "sent_at", "starttime", "endtime"),
      alert_sent: { type: "boolean" },
      urgent: { type: "boolean" },
      attempts: { type: "integer" },
      // Why the last attempt failed; read, not searched.
      alert_exception: { type: "keyword", index: false, doc_values: false },
      match_body: { type: "object", enabled: false },
    },
  };
}

/** What of a destination only its type has. */
function settings(one: Destination): object {
  switch (one.type) {
    case "email": {
      const { host, tls, from, to, user, ca } = one;
      return {
        email: { host, port: smtpPort(one), tls, from, to, ...(user && { user }), ...(ca && { ca }) },
      };
    }
    case "telegram":
      return { telegram: { chat: one.chat, api: one.api } };
    case "webhook":
      return {
        webhook: { ...(one.url && { url: one.url }), headers: one.headers, ...(one.ca && { ca: one.ca }) },
      };
    case "slack":
    case "teams":
      return {};
  }
}
