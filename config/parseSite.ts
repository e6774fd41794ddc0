import { parse as parseIp } from "ipaddr.js";
import {
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from "jsonc-parser";
import { containerSchema, siteSchema, type SiteFile } from "./containers";
import { issueMessages, printPath, type Problem, type Result } from "./problem";
import type { DhisInstance, Site, SiteContainer } from "./site";

/** What the stack's config adds to a site's file. */
export interface SiteExtras {
  readonly dhis2: readonly DhisInstance[];
  readonly withoutDhis2: boolean;
}

type Say = (path: readonly (string | number)[], message: string) => void;

/**
 * A site from the text of its `containers.json` (`file` is its name for messages). Every problem at once, each with
 * its line; nothing is thrown.
 */
export function parseSite(file: string, text: string, extras: SiteExtras): Result<Site> {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  if (errors.length > 0 || tree === undefined) return notJson(file, text, errors, lineAt);

  const problems: Problem[] = [];
  const say: Say = (path, message) => {
    problems.push({ file, line: lineAt(nearestNode(tree, path).offset), path: printPath(path), message });
  };
  const value: unknown = getNodeValue(tree);
  const parsed = siteSchema.safeParse(value, { reportInput: true });
  for (const issue of parsed.error?.issues ?? []) {
    for (const { path, message } of issueMessages(issue, knownKeys))
      say(path as (string | number)[], message);
  }
  checkTogether(looseSite(value), extras, say);
  if (problems.length > 0 || !parsed.success) {
    return { ok: false, problems: problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
  }
  return { ok: true, value: toSite(parsed.data, extras) };
}

/** Only the first syntax error: those after it follow from it. */
function notJson(
  file: string,
  text: string,
  errors: ParseError[],
  lineAt: (offset: number) => number,
): Result<Site> {
  const [first] = errors;
  if (first === undefined)
    return {
      ok: false,
      problems: [{ file, line: 1, path: "", message: "is empty; it must be a JSON object" }],
    };
  const words: Record<string, string> = {
    CommaExpected: "a comma is missing before this place",
    PropertyNameExpected:
      "a key in double quotes must stand here (a comma before a closing bracket is one too many)",
    ValueExpected: "a value must stand here (a comma before a closing bracket is one too many)",
    ColonExpected: "a colon is missing before this place",
    InvalidCommentToken: "JSON has no comments",
    EndOfFileExpected: "something follows after the end of the object",
  };
  const code = printParseErrorCode(first.error);
  const near = text.slice(first.offset, first.offset + 20).split("\n")[0] ?? "";
  const message = `is no JSON: ${words[code] ?? code}${near === "" ? "" : `, at \`${near}\``}`;
  return { ok: false, problems: [{ file, line: lineAt(first.offset), path: "", message }] };
}

/** The node of a path, or of its nearest part that exists. */
function nearestNode(tree: Node, path: readonly (string | number)[]): Node {
  for (let length = path.length; length > 0; length--) {
    const found = findNodeAtLocation(tree, path.slice(0, length));
    if (found) return found.parent?.type === "property" ? found.parent : found;
  }
  return tree;
}

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(siteSchema.shape);
  if (path[0] === "containers" && path.length === 2) return Object.keys(containerSchema.shape);
  if (path[0] === "environment") return ["TZ"];
  return [];
}

interface LooseEntry {
  readonly name?: string;
  readonly ip?: string;
  readonly type?: string;
  readonly remote_host?: unknown;
}

interface LooseSite {
  readonly network?: string;
  readonly proxy?: string;
  readonly containers?: readonly LooseEntry[];
}

/** What of a value has the right shape, so that the checks between parts also run where another part is wrong. */
function looseSite(value: unknown): LooseSite {
  const object = (item: unknown) =>
    typeof item === "object" && item !== null ? (item as Record<string, unknown>) : {};
  const text = (item: unknown) => (typeof item === "string" ? item : undefined);
  const site = object(value);
  return {
    network: siteSchema.shape.network.safeParse(site.network).success ? text(site.network) : undefined,
    proxy: text(site.proxy),
    containers: Array.isArray(site.containers)
      ? site.containers.map(object).map((entry) => ({
          name: text(entry.name),
          ip: containerSchema.shape.ip.safeParse(entry.ip).success ? text(entry.ip) : undefined,
          type: text(entry.type),
          remote_host: entry.remote_host,
        }))
      : undefined,
  };
}

/** Everything that no single value can be wrong about by itself. */
function checkTogether(site: LooseSite, extras: SiteExtras, say: Say): void {
  const { containers } = site;
  if (containers === undefined) return;
  checkDoubled(containers, extras, say);
  containers.forEach((entry, index) => {
    if (entry.remote_host !== undefined) {
      say(
        ["containers", index, "remote_host"],
        "containers on another host are not yet supported; take the entry out, or run a stack for that host",
      );
    }
    if (entry.ip && site.network)
      checkAddress(entry.ip, site.network, (message) => say(["containers", index, "ip"], message));
  });
  extras.dhis2.forEach((instance) => {
    if (site.network) {
      checkAddress(instance.ip, site.network, (message) =>
        say([], `dhis2 of the stack's config: ${instance.name}: ${message}`),
      );
    }
  });
  const ofType = (...types: string[]) => containers.filter((entry) => types.includes(entry.type ?? ""));
  const siems = ofType("es_siem");
  if (siems.length !== 1) {
    const found = siems.length === 0 ? "there is none" : `there are ${siems.length}: ${names(siems)}`;
    say(["containers"], `exactly one entry of type es_siem is needed; ${found}`);
  }
  checkProxy(site, ofType("nginx_proxy", "apache_proxy"), say);
  if (ofType("dhis2").length === 0 && extras.dhis2.length === 0 && !extras.withoutDhis2) {
    say(
      ["containers"],
      'no DHIS2 instance is listed; add entries of type "dhis2" (npm run -s site -- --discover STACK proposes them), set dhis2 in the stack\'s config, or withoutDhis2 to true where there is none',
    );
  }
}

function checkProxy(site: LooseSite, proxies: readonly LooseEntry[], say: Say): void {
  if (proxies.length !== 1) {
    const found = proxies.length === 0 ? "there is none" : `there are ${proxies.length}: ${names(proxies)}`;
    say(["containers"], `exactly one entry of type nginx_proxy or apache_proxy is needed; ${found}`);
    return;
  }
  const kind = proxies[0]?.type === "nginx_proxy" ? "nginx" : "apache2";
  if ((site.proxy === "nginx" || site.proxy === "apache2") && site.proxy !== kind) {
    say(
      ["proxy"],
      `is "${site.proxy}", but the proxy container ${proxies[0]?.name} is of type ${proxies[0]?.type}; it should be "${kind}"`,
    );
  }
}

function checkDoubled(containers: readonly LooseEntry[], extras: SiteExtras, say: Say): void {
  for (const key of ["name", "ip"] as const) {
    const seen = new Map<string, number>();
    containers.forEach((entry, index) => {
      const value = entry[key];
      if (value === undefined) return;
      const before = seen.get(value);
      if (before !== undefined)
        say(["containers", index, key], `"${value}" is already the ${key} of containers[${before}]`);
      else seen.set(value, index);
    });
    for (const instance of extras.dhis2) {
      const before = seen.get(instance[key]);
      if (before !== undefined)
        say(
          ["containers", before, key],
          `"${instance[key]}" is also in dhis2 of the stack's config; keep one of the two`,
        );
    }
  }
}

function checkAddress(ip: string, network: string, say: (message: string) => void): void {
  const [gateway = "", prefixText = ""] = network.split("/");
  const prefix = Number(prefixText);
  if (toNumber(ip) >>> (32 - prefix) !== toNumber(gateway) >>> (32 - prefix) && prefix > 0) {
    say(`${ip} is outside the network ${network}`);
  } else if (ip === gateway) say(`${ip} is the network's gateway`);
  else if (prefix < 31) {
    const host = toNumber(ip) & ((1 << (32 - prefix)) - 1);
    if (host === 0) say(`${ip} is the network's own address`);
    else if (host === (1 << (32 - prefix)) - 1) say(`${ip} is the network's broadcast address`);
  }
}

function toNumber(ip: string): number {
  return parseIp(ip)
    .toByteArray()
    .reduce((number, byte) => (number << 8) | byte, 0);
}

function names(entries: readonly LooseEntry[]): string {
  return entries.map((entry) => entry.name ?? "?").join(", ");
}

function toSite(file: SiteFile, extras: SiteExtras): Site {
  const containers: SiteContainer[] = [
    ...file.containers.map((entry) => ({
      name: entry.name,
      ip: entry.ip,
      type: entry.type,
      generation: entry.generation,
      ...(entry.guestos_version ? { guestosVersion: entry.guestos_version } : {}),
    })),
    ...extras.dhis2.map((instance) => ({ ...instance, type: "dhis2" as const })),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
  const [gateway = "", prefix = ""] = file.network.split("/");
  const one = (...types: string[]) => containers.find((entry) => types.includes(entry.type)) as SiteContainer;
  const proxy = Object.assign(one("nginx_proxy", "apache_proxy"), { kind: file.proxy });
  const bits = Number(prefix);
  const base = bits === 0 ? 0 : (toNumber(gateway) & (-1 << (32 - bits))) >>> 0;
  const address = [24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join(".");
  return {
    fqdn: file.fqdn,
    email: file.email,
    timezone: file.environment.TZ,
    network: { cidr: `${address}/${bits}`, gateway, prefix: bits },
    containers,
    siem: one("es_siem"),
    proxy,
    agents: containers.filter((entry) => entry.type !== "es_siem" && entry.type !== "journal_logger"),
  };
}
