import { stringify } from "yaml";
import { RELAY_UNIT } from "../core/names";
import { type Delivery, type Destination, type Heartbeat, smtpPort } from "../config/delivery";
import type { Detection } from "../detections/detection";
import { matchesNameOrId } from "../detections/settings";
import { ELASTICSEARCH_PORT, KIBANA_PATH, KIBANA_PORT } from "./elastic";
import { HEADER } from "../core/header";

const FOLDER = `/etc/${RELAY_UNIT}`;

/** The id of the rule that finds the test line of `verify --canary` (detections/rules/siem_canary.yml). */
export const CANARY_RULE_ID = "7c8f0a52-6d0e-4c0b-9a43-1f7d2b6ce3a9";
/** The rule id that a test alert has (`npm run alert -- test`). No such rule exists. */
export const TEST_RULE_ID = "dhis2-siem-test";
/** Alerts of these rules go to every destination, at once. */
const TEST_RULE_IDS = [CANARY_RULE_ID, TEST_RULE_ID];

/** The site that the relay works for, and its names in Elasticsearch and Kibana. */
export interface RelayTarget {
  readonly fqdn: string;
  readonly timezone: string;
  /** `https://<fqdn>/siem`, without a slash at the end. */
  readonly kibanaUrl: string;
  readonly alertIndex: string;
  /** Id of the data view of alerts, for links. */
  readonly alertsView: string;
  /** The IPv4 address of the SIEM's container: Kibana listens only there. Example: `192.168.0.200`. */
  readonly siemAddress: string;
  /** The index of the relay's state. A second index has the same name with `_status` appended. */
  readonly stateIndex: string;
}

/** Settings of a relay that a test runs. Default: as on a site. */
export interface RelayOverrides {
  /** Where both servers are. */
  readonly host?: string;
  /** Elasticsearch's port. */
  readonly port?: number;
  readonly kibanaPort?: number;
  /** The PEM file of the servers' CA. If the value is explicitly undefined, the relay uses no TLS. */
  readonly ca?: string;
  readonly rulesFolder?: string;
  /** Where the relay keeps what it knows about outages. */
  readonly stateFolder?: string;
  /** The interval, in seconds, at which the relay looks for alerts. Default: 15. */
  readonly runEverySeconds?: number;
}

/** What the SIEM's watch over itself found last (STATUS in scripts/siem-watch.py). */
const WATCH_STATUS = "/run/dhis2-siem-watch/status.json";

/** Returns the settings of a heartbeat for relay/siem_heartbeat.py. */
function renderHeartbeat({ name, every, failureUrl, ca }: Heartbeat): object {
  return {
    name,
    every_seconds: every * 60,
    ...(failureUrl && { failure_url: failureUrl }),
    ...(ca && { ca }),
  };
}

/** Returns ElastAlert's config.yaml. It contains no secrets. */
export function renderRelayConfig(
  target: RelayTarget,
  heartbeats: readonly Heartbeat[] = [],
  overrides: RelayOverrides = {},
): string {
  const { host = "127.0.0.1", port = ELASTICSEARCH_PORT, kibanaPort = KIBANA_PORT } = overrides;
  const { rulesFolder = `${FOLDER}/rules`, stateFolder = `/var/lib/${RELAY_UNIT}` } = overrides;
  const { runEverySeconds = 15 } = overrides;
  const ca = "ca" in overrides ? overrides.ca : `${FOLDER}/ca.crt`;
  const scheme = ca === undefined ? "http" : "https";
  return (
    HEADER +
    stringify({
      es_host: host,
      es_port: port,
      ...(ca === undefined ? {} : { use_ssl: true, verify_certs: true, ca_certs: ca }),
      // Read by relay/siem_relay.py, not by ElastAlert.
      kibana_status: `${scheme}://${overrides.host ?? target.siemAddress}:${kibanaPort}${KIBANA_PATH}/api/status`,
      relay_state: stateFolder,
      ...(heartbeats.length === 0
        ? {}
        : { watch_status: WATCH_STATUS, heartbeats: heartbeats.map(renderHeartbeat) }),
      rules_folder: rulesFolder,
      // Alerts of one page of a search: what is in memory at once.
      max_query_size: 500,
      rules_loader: "siem_relay.Loader",
      writeback_index: target.stateIndex,
      run_every: { seconds: runEverySeconds },
      // Each run searches these last minutes again. Alerts that were found before are recognised by their ids.
      buffer_time: { minutes: 15 },
      // A relay that was stopped for longer starts with the last minutes only.
      old_query_limit: { days: 30 },
      disable_rules_on_error: false,
      show_disabled_rules: false,
      max_threads: 20,
      misfire_grace_time: 60,
    })
  );
}

/** Returns the file of ElastAlert's rule for each destination, by the destination's name. */
export function renderRelayRules(
  { destinations }: Pick<Delivery, "destinations">,
  target: RelayTarget,
  detections: readonly Detection[],
): Record<string, string> {
  const general = destinations.filter(getsEveryCriticalAlert);
  return Object.fromEntries(
    destinations.map((destination) => {
      const reportsOutages = general.length === 0 || general.includes(destination);
      const rule = renderRule(destination, target, detections, reportsOutages);
      return [destination.name, HEADER + stringify(rule, { aliasDuplicateObjects: false })];
    }),
  );
}

function getsEveryCriticalAlert({ rules, severities }: Destination): boolean {
  return rules === undefined && severities.includes("critical");
}

/** The classes of relay/siem_destinations.py. */
const CLASSES: Readonly<Record<Destination["type"], string>> = {
  email: "Email",
  slack: "Slack",
  teams: "Teams",
  telegram: "Telegram",
  webhook: "Webhook",
};

/** @param reportsOutages whether the destination is notified when Elasticsearch or Kibana cannot be used */
function renderRule(
  destination: Destination,
  target: RelayTarget,
  detections: readonly Detection[],
  reportsOutages: boolean,
): object {
  return {
    name: destination.name,
    type: "any",
    index: target.alertIndex,
    // Not the alert's own time, because alerts that are written late would be missed.
    timestamp_field: "event.ingested",
    filter: renderAlertFilter(destination, detections),
    realert: { minutes: 0 },
    alert: [`siem_destinations.${CLASSES[destination.type]}`],
    relay: {
      site: target.fqdn,
      timezone: target.timezone,
      kibana_url: target.kibanaUrl,
      alerts_view: target.alertsView,
      group_seconds: destination.group * 60,
      test_rules: TEST_RULE_IDS,
      reports_outages: reportsOutages,
      quiet_minutes: destination.quietHours.map(({ from, to }) => [from, to]),
      ...typeSettings(destination),
    },
  };
}

/**
 * Returns Elasticsearch's filters for a destination's alerts. Every destination gets tests, and alerts without a severity: the
 * pipeline could not read those.
 */
export function renderAlertFilter(destination: Destination, detections: readonly Detection[]): object[] {
  const { rules, severities } = destination;
  const field = "dhis2.alert.severity";
  const selected = [
    { terms: { [field]: severities } },
    ...(rules === undefined ? [] : [{ terms: { "rule.id": ruleIds(rules, detections) } }]),
  ];
  const should = [
    { bool: { filter: selected } },
    { bool: { must_not: [{ exists: { field } }] } },
    { terms: { "rule.id": TEST_RULE_IDS } },
  ];
  return [{ bool: { should, minimum_should_match: 1 } }];
}

/**
 * Returns the ids of Kibana's rules for these names or ids of detections. A detection that watches each container has several
 * rules.
 */
export function ruleIds(namesOrIds: readonly string[], detections: readonly Detection[]): string[] {
  return namesOrIds
    .flatMap((nameOrId) => detections.filter((detection) => matchesNameOrId(nameOrId, detection)))
    .map(({ id }) => id);
}

/**
 * Returns the mappings of the relay's state: one document for each alert of each destination, and one for each destination with
 * the time until which alerts were looked for.
 */
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
      // Why the last attempt failed. Nothing searches for it.
      alert_exception: { type: "keyword", index: false, doc_values: false },
      match_body: { type: "object", enabled: false },
    },
  };
}

/** Returns the settings that only this type of destination has. */
function typeSettings(destination: Destination): object {
  switch (destination.type) {
    case "email": {
      const { host, tls, from, to, user, ca } = destination;
      return {
        email: { host, port: smtpPort(destination), tls, from, to, ...(user && { user }), ...(ca && { ca }) },
      };
    }
    case "telegram":
      return { telegram: { chat: destination.chat, api: destination.api } };
    case "webhook": {
      const { url, headers, ca } = destination;
      return { webhook: { ...(url && { url }), headers, ...(ca && { ca }) } };
    }
    case "slack":
    case "teams":
      return {};
  }
}
