import { IPv4 } from "ipaddr.js";
import { MACHINE_TYPES, PROXIES, type ProxyProgram, machineType } from "../machines";
import { containerSchema, siteSchema } from "./containers-json";
import { joinWithOr, printable, type ReportProblem } from "../core/problem";
import type { DhisInstance } from "./site";

/** The settings of the stack's config that add to a site's file. */
export interface SiteExtras {
  /** DHIS2 instances that the file does not list. */
  readonly dhis2: readonly DhisInstance[];
  /** The site has no DHIS2 instance, on purpose. */
  readonly withoutDhis2: boolean;
}

/** The valid parts of a container's entry. */
interface Entry {
  readonly name?: string;
  readonly ip?: string;
  readonly type?: string;
  readonly remoteHost?: unknown;
}

/** The valid parts of a site's file. */
interface ValidParts {
  readonly network?: string;
  readonly proxy?: string;
  readonly containers?: readonly Entry[];
}

/** Checks that need more than one value. A value of the wrong type is skipped: the schema reports it. */
export function checkSite(value: unknown, extras: SiteExtras, report: ReportProblem): void {
  const { containers, network, proxy } = validParts(value);
  if (network !== undefined) checkNetwork(network, extras, report);
  if (containers === undefined) return;
  checkUnique(containers, extras, report);
  containers.forEach((entry, index) => {
    if (entry.remoteHost !== undefined) {
      const message =
        "must not be set, because containers of another host are not supported; remove the entry, or run a stack for that host";
      report(["containers", index, "remote_host"], message);
    }
    const fault = entry.ip && network ? addressFault(entry.ip, network) : undefined;
    if (fault !== undefined) report(["containers", index, "ip"], fault);
  });
  const ofType = (...types: string[]) => containers.filter(({ type }) => types.includes(type ?? ""));
  // An entry with an invalid type can be the entry that seems to be missing.
  const allTypesValid = containers.every(({ type }) => type !== undefined);
  const requireExactlyOne = (entries: readonly Entry[], types: string, hint = "") => {
    if (entries.length > 1 || (entries.length === 0 && allTypesValid)) {
      const add = entries.length === 0 ? hint : "";
      report(["containers"], `must have exactly one entry of type ${types}; ${count(entries)}${add}`);
    }
  };
  requireExactlyOne(
    ofType(...MACHINE_TYPES.filter((name) => machineType(name).role === "siem")),
    "es_siem",
    ': add { "name": "siem", "ip": ADDRESS, "type": "es_siem" } with a free address of the network',
  );
  const proxies = ofType(...Object.values(PROXIES));
  requireExactlyOne(proxies, joinWithOr(Object.values(PROXIES)));
  if (proxies.length === 1) checkProxy(proxies[0], proxy, report);
  if (allTypesValid && ofType("dhis2").length === 0 && extras.dhis2.length === 0 && !extras.withoutDhis2) {
    report(
      ["containers"],
      "must have an entry of type dhis2: add the DHIS2 instances (npm run -s site -- --discover STACK proposes entries), or set dhis2 in the stack's config, or set withoutDhis2 to true if the site has no DHIS2",
    );
  }
}

/** Returns the parts of a value that have the right type. */
function validParts(value: unknown): ValidParts {
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

function checkNetwork(network: string, extras: SiteExtras, report: ReportProblem): void {
  const [gateway = ""] = network.split("/");
  if (isEdge(gateway, network)) {
    report(
      ["network"],
      `must be the gateway's address and the network's prefix, such as 192.168.0.1/24; ${gateway} is the network's first or last address, which no machine can have`,
    );
    return;
  }
  for (const { name, ip } of extras.dhis2) {
    const fault = addressFault(ip, network);
    if (fault !== undefined) {
      report(["network"], `must fit the stack's config, where the ip of dhis2 "${name}" ${fault}`);
    }
  }
}

/** Returns why a container cannot have this address in this network; undefined if it can. */
function addressFault(ip: string, network: string): string | undefined {
  const [gateway] = network.split("/");
  const requirement = `must be a free address of ${networkOf(network)}; ${ip} is`;
  if (!IPv4.parse(ip).match(IPv4.parseCIDR(network))) return `${requirement} outside the network`;
  if (ip === gateway) return `${requirement} the network's gateway`;
  if (isEdge(ip, network)) return `${requirement} the network's own address or its broadcast address`;
  return undefined;
}

/** Returns whether an address is the first or the last of its network. */
function isEdge(ip: string, network: string): boolean {
  const edges = [IPv4.networkAddressFromCIDR(network), IPv4.broadcastAddressFromCIDR(network)];
  return edges.some((edge) => edge.toString() === ip);
}

/** Returns the network of a gateway's address and prefix: 192.168.0.0/24 for 192.168.0.1/24. */
export function networkOf(network: string): string {
  return `${IPv4.networkAddressFromCIDR(network).toString()}/${IPv4.parseCIDR(network)[1]}`;
}

function checkProxy(container: Entry | undefined, program: string | undefined, report: ReportProblem): void {
  const expected = (Object.keys(PROXIES) as ProxyProgram[]).find((name) => PROXIES[name] === container?.type);
  if (container === undefined || program === undefined || expected === undefined || program === expected) {
    return;
  }
  report(
    ["proxy"],
    `must be "${expected}", because the container "${container.name ?? "?"}" is of type ${container.type}; it is "${program}". Or change the container's type`,
  );
}

/** Reports names and addresses that occur twice. Upper and lower case are the same to DNS. */
function checkUnique(containers: readonly Entry[], extras: SiteExtras, report: ReportProblem): void {
  for (const key of ["name", "ip"] as const) {
    const seen = new Map<string, number>();
    containers.forEach((entry, index) => {
      const value = entry[key]?.toLowerCase();
      if (value === undefined) return;
      const before = seen.get(value);
      if (before === undefined) seen.set(value, index);
      else {
        const message = `must be unique; "${entry[key]}" is already the ${key} of containers[${before}]`;
        report(["containers", index, key], message);
      }
    });
    for (const instance of extras.dhis2) {
      const before = seen.get(instance[key].toLowerCase());
      if (before === undefined) continue;
      const message = `must be unique; "${instance[key]}" is also in dhis2 of the stack's config: keep one of the two`;
      report(["containers", before, key], message);
    }
  }
}

function count(entries: readonly Entry[]): string {
  if (entries.length === 0) return "it has none";
  return `it has ${entries.length}: ${entries.map(({ name }) => printable(name ?? "?")).join(", ")}`;
}
