/**
 * The names of what the SIEM makes: streams, indices, pipelines, data views, saved objects, keys, units. The scripts in
 * scripts/ write some of them again; tests/core/names.test.ts sees that they agree.
 *
 * A stack's `namespace` (default: "default") is in the names of what lives in Elasticsearch and Kibana.
 */

/** The data stream of all lines, the index template that makes it, and the data view of it: "logs-dhis2-default". */
export const dataStreamName = (namespace: string) => `logs-dhis2-${namespace}`;

/** The index of all alerts, the connector that rules write them through, and the data view of it: "alerts-dhis2-default". */
export const alertIndexName = (namespace: string) => `alerts-dhis2-${namespace}`;

/** Whether an index is some stack's data stream of lines, or its index of alerts. */
export const isDataStream = (name: string) => /^logs-dhis2-[a-z0-9_.-]+$/.test(name);
export const isAlertIndex = (name: string) => /^alerts-dhis2-[a-z0-9_.]+$/.test(name);

/** An ingest pipeline, by the name of its file: "dhis2-siem-default-logs". */
export const pipelineName = (namespace: string, name: string) => `dhis2-siem-${namespace}-${name}`;

/** A dashboard's id in Kibana, by the name of its file: "dhis2-siem-alerts"; with `list`, that of a saved search in it. */
export const dashboardId = (name: string, list?: string) =>
  `dhis2-siem-${name}${list === undefined ? "" : `-${list}`}`;

/** The API keys: each agent's, that of the SIEM's own container, and the relay's. `ALL_KEYS` finds them all. */
export const agentKeyName = (container: string) => `dhis2-siem-agent-${container}`;
export const healthKeyName = (container: string) => `dhis2-siem-health-${container}`;
export const RELAY_KEY = "dhis2-siem-relay";
/** The key of the SIEM's watch over itself (scripts/siem-watch.py). */
export const WATCH_KEY = "dhis2-siem-watch";
/** A key's name in a period (config/keys.ts): "dhis2-siem-relay.103". */
export const keyName = (name: string, period: number) => `${name}.${period}`;
export const isRelayKey = (name: string) => name.replace(/\.\d+$/, "") === RELAY_KEY;
export const isWatchKey = (name: string) => name.replace(/\.\d+$/, "") === WATCH_KEY;
export const ALL_KEYS = "dhis2-siem-*";

/** A destination's connector in Kibana, where the stack delivers by connectors: "dhis2-siem duty". */
export const connectorName = (destination: string) => `dhis2-siem ${destination}`;

/** The accounts, and the role of each: the operator's, the engineer's, and the one that the stack's rules run as. */
export const OPERATOR = "operator";
export const OPERATOR_ROLE = "dhis2-siem-operator";
export const ENGINEER = "engineer";
export const ENGINEER_ROLE = "dhis2-siem-engineer";
export const RULES_USER = "siem-rules";
export const RULES_ROLE = "dhis2-siem-rules";

/** The name of the Elasticsearch cluster. */
export const CLUSTER = "dhis2-siem";

/** Where a site's relay keeps what it found and sent, and how far it has looked. */
export const RELAY_INDEX = "dhis2-siem-relay";
export const relayIndices = (stateIndex: string) => [stateIndex, `${stateIndex}_status`];
/** The relay's systemd unit, its user, and the name of its folders in /opt and /etc. */
export const RELAY_UNIT = "dhis2-siem-relay";

/** The timer that reports a container's health, and the identifier of its lines in the journal. */
export const HEALTH_UNIT = "dhis2-siem-health";

/** The nftables table of the SIEM's container (family inet), and the unit that loads it. */
export const FIREWALL_TABLE = "dhis2_siem";
export const FIREWALL_UNIT = "dhis2-siem-firewall";

/** The identifiers of the lines that `npm run verify -- STACK --canary` writes; a rule watches for the second one. */
export const CANARY = "dhis2-siem-canary";
export const CANARY_ALERT = "dhis2-siem-canary-alert";
