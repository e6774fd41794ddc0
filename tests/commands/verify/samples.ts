/** A site without faults: the stack's state and the facts found on the host. Each test changes one thing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../../core/json";
import { parseSite, parseStack } from "../../../config/load";
import type { Context } from "../../../commands/verify/checks/context";
import type { Facts, ContainerFacts } from "../../../commands/verify/facts";
import type { State } from "../../../commands/verify/state";
import { FIREWALL_REJECT, firewallSources } from "../../../render/firewall";
import { EXAMPLE_CONFIG } from "../../../commands/graph";

const NGINX = join(__dirname, "../../sites/nginx.json");
export const NOW = Date.parse("2026-11-24T12:00:00Z");
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
export const GIB = 2 ** 30;
export const SERVER_CERTIFICATE = "/etc/elasticsearch/certs/server.crt";
export const LOCATION = "/etc/nginx/upstream/dhis2-siem.conf";

/** The same type, but not read-only. */
export type Changeable<T> = T extends object ? { -readonly [K in keyof T]: Changeable<T[K]> } : T;

const urn = (type: string, name: string) => `urn:pulumi:prod::dhis2-siem::${type}::${name}`;

const stack = parseStack({ ...EXAMPLE_CONFIG, site: NGINX }, () => false, "Pulumi.prod.yaml");
if (!stack.ok) throw new Error(JSON.stringify(stack.problems));
const site = parseSite(NGINX, readFileSync(NGINX, "utf8"), stack.value);
if (!site.ok) throw new Error(JSON.stringify(site.problems));
export const { options } = stack.value;
export const SITE = site.value;

function state(): State {
  const ours = (name: string) => ({
    "/etc/filebeat/filebeat.yml": sha256(name),
    ...(name === SITE.proxy.name && { [LOCATION]: sha256("location") }),
  });
  return {
    containers: {
      ...Object.fromEntries(
        SITE.agents.map(({ name }) => [name, { uuids: [`uuid-${name}`], files: ours(name) }]),
      ),
      siem: { uuids: ["uuid-siem"], files: { "/etc/kibana/kibana.yml": sha256("kibana") } },
    },
    keys: SITE.agents.map(({ name }) => ({
      urn: urn("key", `agent-${name}-key`),
      name: `dhis2-siem-agent-${name}`,
      id: `id-${name}`,
      container: name,
    })),
    rules: ["one", "two"].map((id) => ({ urn: urn("rule", id), id, name: `Rule ${id}` })),
    template: {
      urn: urn("template", "logs-template"),
      name: "logs-dhis2-default",
      pipeline: "dhis2-siem-default-logs",
      retention: "90d",
    },
    streamStep: urn("command", "logs-stream"),
    dataStream: "logs-dhis2-default",
    alertIndex: "alerts-dhis2-default",
    ca: "the CA",
    elasticPassword: "the password",
    delivers: true,
  };
}

function inside(name: string, files: Readonly<Record<string, string>>): ContainerFacts {
  const siem = name === "siem";
  const elastic = { version: options.versions.elastic, held: true };
  return {
    units: siem
      ? { elasticsearch: "active", kibana: "active", "dhis2-siem-relay": "active" }
      : { filebeat: "active" },
    packages: siem
      ? { elasticsearch: elastic, kibana: elastic }
      : { filebeat: { version: options.versions.filebeat, held: true } },
    files: { ...files },
    sources: name === "postgres" ? { postgresql: { "/etc/postgresql/15/main": "ours" } } : {},
    certificates: siem
      ? { "/var/lib/dhis2-siem/tls/ca.crt": NOW + 3000 * DAY, [SERVER_CERTIFICATE]: NOW + 800 * DAY }
      : {},
    ...(siem && { firewall: { ...firewallSources(SITE, options), reject: FIREWALL_REJECT } }),
    disks: siem ? [{ mount: "/", size: 100 * GIB, free: 70 * GIB }] : [],
  };
}

const FEW_CLIENTS = { requests: 5000, address: "203.0.113.1", fromAddress: 4990 };

function facts({ containers, keys, rules, template }: State): Facts {
  return {
    now: NOW,
    instances: SITE.containers.map(({ name, ip }) => ({
      name,
      running: true,
      addresses: [ip],
      mark: "",
      uuid: `uuid-${name}`,
    })),
    containers: Object.fromEntries(
      Object.entries(containers).map(([name, { files }]) => [name, inside(name, files)]),
    ),
    elasticsearch: {
      ok: true,
      value: {
        version: "8.19.8",
        lastSeen: Object.fromEntries(SITE.agents.map(({ name }) => [name, NOW - MINUTE])),
        keys: keys.map(({ id, name }) => ({ id, name, invalidated: false, expiration: NOW + 300 * DAY })),
        logs: { bytes: 10 * GIB, documents: 90_000, recent: 7_000, days: 7 },
        template: { pipeline: template?.pipeline ?? "", retention: "90d", losers: ["logs"] },
        retention: "90d",
        actions: { count: 0, newest: 0, error: "" },
      },
    },
    kibana: {
      ok: true,
      value: {
        version: "8.19.8",
        level: "available",
        rules: rules.map(({ id, name }) => ({
          id,
          name,
          enabled: true,
          silenced: false,
          mutedAlerts: [],
          status: "ok",
          message: "",
          ran: NOW - MINUTE,
        })),
      },
    },
    proxy: { ok: true, value: 401 },
    kibanaClients: { ok: true, value: { count: 0, newest: 0, addresses: [], proxy: FEW_CLIENTS } },
    relay: { ok: true, value: { delivered: NOW - 3 * 60 * MINUTE, failing: 0, error: "" } },
  };
}

/** Returns a site without faults, after one change. */
export function sample(change: (context: Changeable<Context>) => void = () => undefined): Context {
  const did = state();
  const context: Context = { stack: "prod", site: SITE, options, state: did, facts: facts(did) };
  const copy = structuredClone(context) as Changeable<Context>;
  change(copy);
  return copy;
}
