import { IPv4 } from "ipaddr.js";
import { MACHINE_TYPES, PROXIES, type ProxyKind, machineType } from "../machines";
import { containerSchema, siteSchema } from "./containers-json";
import { oneOf, shown, type Say } from "../core/problem";
import type { DhisInstance } from "./site";

/** What the stack's config adds to a site's file. */
export interface SiteExtras {
  readonly dhis2: readonly DhisInstance[];
  /** The site has no DHIS2 instance, and that is meant. */
  readonly withoutDhis2: boolean;
}

interface Entry {
  readonly name?: string;
  readonly ip?: string;
  readonly type?: string;
  readonly remoteHost?: unknown;
}

interface LooseSite {
  readonly network?: string;
  readonly proxy?: string;
  readonly containers?: readonly Entry[];
}

/** Checks that take more than one value; what has the wrong shape is passed over. */
export function checkSite(value: unknown, extras: SiteExtras, say: Say): void {
  const { containers, network, proxy } = looseSite(value);
  if (network !== undefined) checkNetwork(network, extras, say);
  if (containers === undefined) return;
  checkDoubled(containers, extras, say);
  containers.forEach((entry, index) => {
    if (entry.remoteHost !== undefined) {
      const message =
        "containers on another host are not yet supported; take the entry out, or run a stack for that host";
      say(["containers", index, "remote_host"], message);
    }
    const fault = entry.ip && network ? addressFault(entry.ip, network) : undefined;
    if (fault !== undefined) say(["containers", index, "ip"], fault);
  });
  const ofType = (...types: string[]) => containers.filter(({ type }) => types.includes(type ?? ""));
  // An entry whose type cannot be read may be the one that seems to be missing.
  const sure = containers.every(({ type }) => type !== undefined);
  const one = (entries: readonly Entry[], types: string, hint = "") => {
    if (entries.length > 1 || (entries.length === 0 && sure)) {
      const add = entries.length === 0 ? hint : "";
      say(["containers"], `exactly one entry of type ${types} is needed; ${count(entries)}${add}`);
    }
  };
  one(
    ofType(...MACHINE_TYPES.filter((name) => machineType(name).role === "siem")),
    "es_siem",
    ': add { "name": "siem", "ip": ADDRESS, "type": "es_siem" }, with a free address of the network',
  );
  const proxies = ofType(...Object.values(PROXIES));
  one(proxies, oneOf(Object.values(PROXIES)));
  if (proxies.length === 1) checkProxy(proxies[0], proxy, say);
  if (sure && ofType("dhis2").length === 0 && extras.dhis2.length === 0 && !extras.withoutDhis2) {
    say(
      ["containers"],
      'no DHIS2 instance is listed; add entries of type "dhis2" (npm run -s site -- --discover STACK proposes them), or set dhis2 in the stack\'s config, or withoutDhis2 to true if the site has none',
    );
  }
}

/** What of a value has the right shape. */
function looseSite(value: unknown): LooseSite {
  const { shape } = siteSchema;
  const site = asObject(value);
  return {
    network: shape.network.safeParse(site.network).data,
    proxy: shape.proxy.safeParse(site.proxy).data,
    containers: Array.isArray(site.containers)
      ? site.containers.map(asObject).map((entry) => ({
          name: containerSchema.shape.name.safeParse(entry.name).data,
          ip: containerSchema.shape.ip.safeParse(entry.ip).data,
          type: containerSchema.shape.type.safeParse(entry.type).data,
          remoteHost: entry.remote_host,
        }))
      : undefined,
  };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function checkNetwork(network: string, extras: SiteExtras, say: Say): void {
  const [gateway = ""] = network.split("/");
  if (isEdge(gateway, network)) {
    say(
      ["network"],
      `${gateway} is no address for a gateway: it is the network's first or last; write GATEWAY/PREFIX, such as 192.168.0.1/24`,
    );
    return;
  }
  for (const { name, ip } of extras.dhis2) {
    const fault = addressFault(ip, network);
    if (fault !== undefined) say(["network"], `dhis2 "${name}" of the stack's config: ${fault}`);
  }
}

/** Why a container cannot have this address in this network, if so. */
function addressFault(ip: string, network: string): string | undefined {
  const [gateway] = network.split("/");
  const right = `use a free address of ${cidrOf(network)}`;
  if (!IPv4.parse(ip).match(IPv4.parseCIDR(network))) return `${ip} is outside the network; ${right}`;
  if (ip === gateway) return `${ip} is the network's gateway; ${right}`;
  if (isEdge(ip, network)) return `${ip} is the network's own or its broadcast address; ${right}`;
  return undefined;
}

function isEdge(ip: string, network: string): boolean {
  const edges = [IPv4.networkAddressFromCIDR(network), IPv4.broadcastAddressFromCIDR(network)];
  return edges.some((edge) => edge.toString() === ip);
}

/** A network without its gateway: 192.168.0.0/24 for 192.168.0.1/24. */
export function cidrOf(network: string): string {
  return `${IPv4.networkAddressFromCIDR(network).toString()}/${IPv4.parseCIDR(network)[1]}`;
}

function checkProxy(proxy: Entry | undefined, kind: string | undefined, say: Say): void {
  const right = (Object.keys(PROXIES) as ProxyKind[]).find((one) => PROXIES[one] === proxy?.type);
  if (proxy === undefined || kind === undefined || right === undefined || kind === right) return;
  say(
    ["proxy"],
    `is "${kind}", but the proxy container "${proxy.name ?? "?"}" is of type ${proxy.type}; it should be "${right}", or the container of the other type`,
  );
}

/** Names are compared as DNS does, without case. */
function checkDoubled(containers: readonly Entry[], extras: SiteExtras, say: Say): void {
  for (const key of ["name", "ip"] as const) {
    const seen = new Map<string, number>();
    containers.forEach((entry, index) => {
      const value = entry[key]?.toLowerCase();
      if (value === undefined) return;
      const before = seen.get(value);
      if (before === undefined) seen.set(value, index);
      else say(["containers", index, key], `"${entry[key]}" is already the ${key} of containers[${before}]`);
    });
    for (const instance of extras.dhis2) {
      const before = seen.get(instance[key].toLowerCase());
      if (before === undefined) continue;
      const message = `"${instance[key]}" is also in dhis2 of the stack's config; keep one of the two`;
      say(["containers", before, key], message);
    }
  }
}

function count(entries: readonly Entry[]): string {
  if (entries.length === 0) return "there is none";
  return `there are ${entries.length}: ${entries.map(({ name }) => shown(name ?? "?")).join(", ")}`;
}
