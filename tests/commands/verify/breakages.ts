/** Faults of a site, and the findings that verify must report for each. */
import assert from "node:assert/strict";
import type { Context } from "../../../commands/verify/checks/context";
import type { ElasticsearchFacts, KibanaFacts, RelayFacts } from "../../../commands/verify/facts";
import type { KibanaClients } from "../../../commands/verify/kibana-clients";
import { type Changeable, DAY, GIB, LOCATION, MINUTE, NOW, SERVER_CERTIFICATE } from "./samples";

type Site = Changeable<Context>;
type Break = (site: Site) => void;

/** The facts of a container without faults. */
export const inside = (site: Site, name: string) => {
  const found = site.facts.containers[name];
  assert.ok(found);
  return found;
};
const value = <T>(answer: { ok: boolean } | undefined) => {
  assert.ok(answer?.ok);
  return (answer as unknown as { value: Changeable<T> }).value;
};
/** The facts of its Elasticsearch. */
export const elastic = (site: Site) => value<ElasticsearchFacts>(site.facts.elasticsearch);
const kibana = (site: Site) => value<KibanaFacts>(site.facts.kibana);
const actionFailed = (site: Site, ago: number) =>
  (elastic(site).actions = { count: 1, newest: NOW - ago, error: "unauthorized" });
const clients = (site: Site) => value<KibanaClients>(site.facts.kibanaClients);
const relay = (site: Site) => value<RelayFacts>(site.facts.relay);

/** The ten, and what each has to be called. */
export const MAIN_BREAKAGES: readonly [breakage: string, apply: Break, found: string[], fix: RegExp][] = [
  [
    "an agent stopped",
    (site) => (inside(site, "dhis").units.filebeat = "inactive"),
    ["problem agent dhis"],
    /^lxc exec dhis --project default -- systemctl start filebeat$/,
  ],
  [
    "a key revoked",
    (site) => Object.assign(elastic(site).keys[0] ?? {}, { invalidated: true }),
    ["problem keys dhis"],
    /^pulumi up --replace 'urn:pulumi:prod::dhis2-siem::key::agent-dhis-key'$/,
  ],
  [
    "a config edited",
    (site) => (inside(site, "proxy").files["/etc/filebeat/filebeat.yml"] = "0".repeat(64)),
    ["problem files proxy:/etc/filebeat/filebeat.yml"],
    /^raise the generation of "proxy"/,
  ],
  [
    "the proxy's location removed",
    (site) => {
      inside(site, "proxy").files[LOCATION] = undefined;
      site.facts.proxy = { ok: true, value: 404 };
    },
    ["problem proxy proxy", `problem files proxy:${LOCATION}`],
    /^raise the generation of "proxy"/,
  ],
  [
    "a rule disabled",
    (site) => Object.assign(kibana(site).rules[1] ?? {}, { enabled: false }),
    ["problem rules Rule two"],
    /^pulumi refresh --run-program --skip-preview, then: pulumi up$/,
  ],
  [
    "the disk full",
    (site) => (inside(site, "siem").disks = [{ mount: "/", size: 100 * GIB, free: 5 * GIB }]),
    ["problem disk siem:/"],
    /pulumi config set retentionDays DAYS \(it is 90\)$/,
  ],
  [
    "the relay stopped",
    (site) => (inside(site, "siem").units["dhis2-siem-relay"] = "inactive"),
    ["problem relay siem"],
    /^lxc exec siem --project default -- systemctl restart dhis2-siem-relay$/,
  ],
  [
    "a certificate about to end",
    (site) => (inside(site, "siem").certificates[SERVER_CERTIFICATE] = NOW + 12 * DAY),
    [`warning certificates ${SERVER_CERTIFICATE}`],
    /^raise the generation of "siem"/,
  ],
  [
    "a container that no entry covers",
    (site) =>
      site.facts.instances.push({ name: "odk", running: true, addresses: [], mark: "", uuid: "uuid-odk" }),
    ["problem containers odk"],
    /^npm run -s site -- --discover prod /,
  ],
  [
    "Kibana down",
    (site) => {
      inside(site, "siem").units.kibana = "failed";
      site.facts.kibana = { ok: false, error: "connection refused" };
      site.facts.proxy = { ok: true, value: 502 };
    },
    ["problem kibana siem", "warning rules Kibana", "problem proxy proxy"],
    /^lxc exec siem --project default -- systemctl restart kibana$/,
  ],
];

/** Further faults. */
export const OTHER_BREAKAGES: readonly [breakage: string, apply: Break, found: string[]][] = [
  ["a container stopped", (site) => stop(site, "dhis"), ["problem containers dhis"]],
  ["a container gone", (site) => remove(site, "dhis"), ["problem containers dhis"]],
  ["the SIEM's container stopped", (site) => stop(site, "siem"), ["problem containers siem"]],
  [
    "a container that does not answer",
    (site) => delete site.facts.containers.dhis,
    ["problem containers dhis"],
  ],
  ["a stopped container without entry", (site) => strange(site), ["warning containers old"]],
  [
    "a container built anew",
    (site) => {
      const instance = site.facts.instances.find(({ name }) => name === "postgres");
      assert.ok(instance);
      instance.uuid = "another";
    },
    ["problem rebuilt postgres"],
  ],
  [
    "a container restored from a snapshot",
    (site) => {
      const instance = site.facts.instances.find(({ name }) => name === "postgres");
      assert.ok(instance);
      instance.uuid += "/restored";
    },
    ["problem rebuilt postgres"],
  ],
  [
    "the SIEM's container restored from a snapshot",
    (site) => site.state.containers.siem?.uuids.splice(0, 1, "uuid-siem/restored"),
    ["problem rebuilt siem"],
  ],
  [
    "a container that only one of its steps ran in since",
    (site) => site.state.containers.postgres?.uuids.push("uuid-older"),
    ["problem rebuilt postgres"],
  ],
  [
    "a container that an older version of the stack set up",
    (site) => delete site.state.containers.postgres,
    ["warning rebuilt postgres"],
  ],
  ["an agent silent", (site) => seen(site, 16 * MINUTE), ["problem sending dhis"]],
  ["an agent never heard", (site) => delete elastic(site).lastSeen.dhis, ["problem sending dhis"]],
  [
    "Elasticsearch down",
    (site) => (site.facts.elasticsearch = { ok: false, error: "connection refused" }),
    [
      "warning sending Elasticsearch",
      "problem elasticsearch siem",
      "warning actions Elasticsearch",
      "warning keys Elasticsearch",
      "warning template Elasticsearch",
    ],
  ],
  [
    "Elasticsearch upgraded and not restarted",
    (site) => (elastic(site).version = "8.19.7"),
    ["warning elasticsearch siem"],
  ],
  ["Kibana degraded", (site) => (kibana(site).level = "degraded"), ["problem kibana siem"]],
  ["a rule deleted", (site) => kibana(site).rules.pop(), ["problem rules Rule two"]],
  ["a rule failing", (site) => ruleIs(site, { status: "error" }), ["problem rules Rule one"]],
  ["a rule that had a warning", (site) => ruleIs(site, { status: "warning" }), ["warning rules Rule one"]],
  ["a rule muted", (site) => ruleIs(site, { silenced: true }), ["problem rules Rule one"]],
  [
    "an alert of a rule muted",
    (site) => ruleIs(site, { mutedAlerts: ["admin"] }),
    ["warning rules Rule one"],
  ],
  [
    "the only alert of a rule muted",
    (site) => ruleIs(site, { mutedAlerts: ["query matched"] }),
    ["problem rules Rule one"],
  ],
  ["a rule's action failing", (site) => actionFailed(site, 2 * MINUTE), ["problem actions siem"]],
  [
    "a rule's action that failed once",
    (site) => actionFailed(site, 5 * 60 * MINUTE),
    ["warning actions siem"],
  ],
  ["a rule that runs no more", (site) => ruleIs(site, { ran: NOW - DAY }), ["problem rules Rule one"]],
  ["a key gone", (site) => elastic(site).keys.shift(), ["problem keys dhis"]],
  [
    "a key that nobody uses",
    (site) => elastic(site).keys.push({ id: "x", name: "dhis2-siem-agent-gone", invalidated: false }),
    ["warning keys dhis2-siem-agent-gone"],
  ],
  [
    "a template that wins over ours",
    (site) => elastic(site).template.losers.push("logs-dhis2-default"),
    ["problem template logs-dhis2-default"],
  ],
  [
    "our template without our pipeline",
    (site) => (elastic(site).template.pipeline = "another"),
    ["problem template logs-dhis2-default"],
  ],
  [
    "another template winning",
    (site) => (elastic(site).template = { pipeline: "", retention: "90d", losers: ["logs-dhis2-default"] }),
    ["problem template logs-dhis2-default"],
  ],
  [
    "another retention",
    (site) => (elastic(site).template.retention = ""),
    ["problem template logs-dhis2-default"],
  ],
  [
    "lines that are there kept for another time",
    (site) => (elastic(site).retention = "30d"),
    ["problem template logs-dhis2-default"],
  ],
  ["no template", (site) => delete site.state.template, ["problem template logs-dhis2-default"]],
  [
    "another version of Filebeat",
    (site) => (inside(site, "dhis").packages.filebeat = { version: "8.18.0", held: true }),
    ["warning versions dhis"],
  ],
  ["Filebeat gone", (site) => delete inside(site, "dhis").packages.filebeat, ["problem versions dhis"]],
  [
    "Kibana not held",
    (site) => (inside(site, "siem").packages.kibana = { version: "8.19.8", held: false }),
    ["warning versions siem"],
  ],
  [
    "a file gone",
    (site) => (inside(site, "dhis").files["/etc/filebeat/filebeat.yml"] = undefined),
    ["problem files dhis:/etc/filebeat/filebeat.yml"],
  ],
  [
    "clusters of a new PostgreSQL",
    (site) =>
      Object.assign(inside(site, "postgres").sources, {
        postgresql: { "/etc/postgresql/17/main": "", "/etc/postgresql/17/reports": "" },
      }),
    ["problem postgresql postgres"],
  ],
  [
    "the disk filling",
    (site) => (inside(site, "siem").disks = [{ mount: "/", size: 100 * GIB, free: 15 * GIB }]),
    ["warning disk siem:/"],
  ],
  [
    "lines that come too fast for the disk",
    (site) => (elastic(site).logs = { bytes: 30 * GIB, documents: 1000, recent: 1000, days: 6 }),
    ["warning disk siem:/"],
  ],
  [
    "a certificate that ended",
    (site) => (inside(site, "siem").certificates[SERVER_CERTIFICATE] = NOW - DAY),
    [`problem certificates ${SERVER_CERTIFICATE}`],
  ],
  [
    "a certificate gone",
    (site) => (inside(site, "siem").certificates[SERVER_CERTIFICATE] = undefined),
    [`problem certificates ${SERVER_CERTIFICATE}`],
  ],
  [
    "the proxy silent",
    (site) => (site.facts.proxy = { ok: false, error: "connection refused" }),
    ["problem proxy proxy"],
  ],
  [
    "the proxy's location removed, and not yet by the proxy",
    (site) => (inside(site, "proxy").files[LOCATION] = undefined),
    ["problem proxy proxy", `problem files proxy:${LOCATION}`],
  ],
  [
    "a location that nobody reads",
    (site) => (site.facts.proxy = { ok: true, value: 404 }),
    ["problem proxy proxy"],
  ],
  [
    "an LXD device that hides the clients' addresses from the proxy",
    (site) => Object.assign(proxyInstance(site), { hidingDevices: ["https"] }),
    ["warning clients proxy"],
  ],
  [
    "such a device of another container",
    (site) => Object.assign(site.facts.instances.at(-1) ?? {}, { hidingDevices: ["ssh"] }),
    [],
  ],
  [
    "somebody from outside let in to Kibana today",
    (site) => (site.facts.kibanaClients = letIn(MINUTE)),
    ["problem clients proxy"],
  ],
  [
    "somebody from outside let in to Kibana some days ago",
    (site) => (site.facts.kibanaClients = letIn(3 * DAY)),
    ["warning clients proxy"],
  ],
  [
    "a proxy that nearly all requests reach from the gateway",
    (site) => (clients(site).proxy = { requests: 1000, address: "192.168.0.1", fromAddress: 990 }),
    ["warning clients proxy"],
  ],
  [
    "a proxy that all requests reach from a load balancer in the network",
    (site) => (clients(site).proxy = { requests: 1000, address: "192.168.0.77", fromAddress: 1000 }),
    ["warning clients proxy"],
  ],
  [
    "a quiet site that only the host asked",
    (site) => (clients(site).proxy = { requests: 999, address: "192.168.0.1", fromAddress: 999 }),
    [],
  ],
  [
    "a busy host among other clients",
    (site) => (clients(site).proxy = { requests: 1000, address: "192.168.0.1", fromAddress: 989 }),
    [],
  ],
  ["the rules of the ports not loaded", (site) => (firewall(site).reject = ""), ["problem ports siem"]],
  ["no rules of the ports at all", (site) => delete inside(site, "siem").firewall, ["problem ports siem"]],
  [
    "rules that reject less",
    (site) => (firewall(site).reject = firewall(site).reject.replace("9200, ", "")),
    ["problem ports siem"],
  ],
  [
    "a stranger's address in the rules",
    (site) => firewall(site).kibana.push("192.168.0.99"),
    ["problem ports siem"],
  ],
  [
    "a machine that the rules do not have",
    (site) => firewall(site).elasticsearch.shift(),
    ["problem ports siem"],
  ],
  [
    "a network in the rules that is not the config's",
    (site) => firewall(site).networks.push("0.0.0.0/0"),
    ["problem ports siem"],
  ],
  [
    "a destination that refuses",
    (site) => Object.assign(relay(site), { failing: 1 }),
    ["problem relay siem"],
  ],
];

function proxyInstance(site: Site) {
  return site.facts.instances.find(({ name }) => name === site.site.proxy.name) ?? assert.fail();
}

function letIn(ago: number) {
  const proxy = { requests: 0, address: "", fromAddress: 0 };
  return { ok: true as const, value: { count: 2, newest: NOW - ago, addresses: ["203.0.113.9"], proxy } };
}

function firewall(site: Site) {
  return inside(site, "siem").firewall ?? assert.fail();
}

function stop(site: Site, name: string): void {
  const instance = site.facts.instances.find((one) => one.name === name);
  assert.ok(instance);
  instance.running = false;
  delete site.facts.containers[name];
}

function remove(site: Site, name: string): void {
  site.facts.instances = site.facts.instances.filter((one) => one.name !== name);
  delete site.facts.containers[name];
}

function strange(site: Site): void {
  site.facts.instances.push({ name: "old", running: false, addresses: [], mark: "", uuid: "" });
}

function seen(site: Site, ago: number): void {
  elastic(site).lastSeen.dhis = NOW - ago;
}

function ruleIs(site: Site, change: object): void {
  Object.assign(kibana(site).rules[0] ?? {}, change);
}
