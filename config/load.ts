import { IPv4 } from "ipaddr.js";
import type { z } from "zod";
import { checkSite, cidrOf, type SiteExtras } from "./check-site";
import { siteKeys, siteSchema, type SiteFile } from "./containers-json";
import { checkDelivery, setSecret } from "./delivery";
import { parseJson } from "../core/json-text";
import { heapFault, largestHeap } from "./memory";
import { byLine, printPath, sayIssues, type Problem, type Result, type Say } from "../core/problem";
import { machineType, PROXIES } from "../machines";
import type { DhisInstance, Options, Site, SiteContainer } from "./site";
import { STRUCTURED, stackKeys, stackSchema, stackShape } from "./stack";

/** The stack's config, checked, and what of it belongs to the site. */
export interface StackConfig extends SiteExtras {
  /** Path of the site's file. */
  readonly site: string;
  readonly options: Options;
  readonly privateKey?: string;
  /** By the destination's name. */
  readonly deliverySecrets: Readonly<Record<string, string>>;
}

/** Where a value of the stack's config stands in its file. */
export type LineOf = (path: readonly PropertyKey[]) => number | undefined;

/**
 * A site from the text of its `containers.json` (`file` is its name for messages) and what the stack's config adds.
 * Every problem at once, each with its line; nothing is thrown.
 */
export function parseSite(file: string, text: string, extras: SiteExtras): Result<Site> {
  const json = parseJson(file, text);
  if ("syntax" in json) return { ok: false, problems: [json.syntax] };
  const problems: Problem[] = [...json.problems];
  const say: Say = (path, message) => {
    problems.push({ file, line: json.lineOf(path), path: printPath(path), message });
  };
  const parsed = siteSchema.safeParse(json.value, { reportInput: true });
  sayIssues(parsed.error?.issues ?? [], siteKeys, say);
  checkSite(json.value, extras, say);
  if (problems.length > 0 || !parsed.success) return { ok: false, problems: byLine(problems) };
  return { ok: true, value: toSite(parsed.data, extras) };
}

function toSite(file: SiteFile, extras: SiteExtras): Site {
  const listed = file.containers.map(({ name, ip, type, generation, guestos_version: guestosVersion }) => ({
    ...{ name, ip, type, generation },
    ...(guestosVersion === undefined ? {} : { guestosVersion }),
  }));
  const added = extras.dhis2.map((instance) => ({ ...instance, type: "dhis2" as const }));
  const isProxy = ({ type }: SiteContainer) => type === PROXIES[file.proxy];
  const containers = [...listed, ...added]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => (isProxy(entry) ? { ...entry, kind: file.proxy } : entry));
  const [gateway, prefix] = IPv4.parseCIDR(file.network);
  return {
    fqdn: file.fqdn,
    email: file.email,
    timezone: file.environment.TZ,
    network: { cidr: cidrOf(file.network), gateway: gateway.toString(), prefix },
    containers,
    // checkSite has seen exactly one of each.
    siem: containers.find(({ type }) => machineType(type).role === "siem") as SiteContainer,
    proxy: containers.find(isProxy) as Site["proxy"],
    agents: containers.filter(({ type }) => machineType(type).role === undefined),
  };
}

/**
 * The stack's config from its values as Pulumi gives them: all texts, objects as JSON, keys without the namespace.
 * `isSecret` tells which are encrypted, `plainSecrets` the delivery secrets that are not, where the stack's file can be
 * read; `file` is the name for messages. Every problem at once, none with a value that may be secret; nothing is thrown.
 */
export function parseStack(
  values: Readonly<Record<string, string>>,
  isSecret: (key: string) => boolean,
  file: string,
  lineOf: LineOf = () => undefined,
  plainSecrets: readonly string[] = [],
): Result<StackConfig> {
  const problems: Problem[] = [];
  const say: Say = (path, message) => {
    const line = lineOf(path);
    const where = { file, path: `dhis2-siem:${printPath(path)}` };
    problems.push({ ...where, ...(line === undefined ? {} : { line }), message });
  };
  const input = readValues(values);
  const parsed = stackSchema.safeParse(input, { reportInput: true });
  sayIssues(parsed.error?.issues ?? [], stackKeys, (path, message) =>
    say(path, message + howToSet(path, values)),
  );
  checkStack(input, say);
  if (values.privateKey !== undefined && !isSecret("privateKey")) {
    say(["privateKey"], "is not encrypted; set it again with: pulumi config set --secret privateKey < FILE");
  }
  const delivery = part("delivery", input);
  const hidden = values.deliverySecrets === undefined && isSecret("deliverySecrets");
  if (delivery) checkDelivery(delivery, hidden ? undefined : part("deliverySecrets", input), say);
  for (const name of plainSecrets) {
    say(["deliverySecrets", name], `is not encrypted; set it again with: ${setSecret(name)}`);
  }
  if (plainSecrets.length === 0 && values.deliverySecrets !== undefined && !isSecret("deliverySecrets")) {
    say(["deliverySecrets"], `is not encrypted; set each of it again with: ${setSecret("NAME")}`);
  }
  if (problems.length > 0 || !parsed.success) return { ok: false, problems: byLine(problems) };
  const { site, privateKey, deliverySecrets, dhis2, withoutDhis2, ...settings } = parsed.data;
  const { host, port, user, hostKey, bastion, ...rest } = settings;
  const options: Options = {
    ...rest,
    host: { host, port, user, hostKey, ...(bastion ? { bastion } : {}) },
    siem: withHeap(rest.siem),
  };
  return {
    ok: true,
    value: { site, options, deliverySecrets, dhis2, withoutDhis2, ...(privateKey ? { privateKey } : {}) },
  };
}

/**
 * What can be read of the site's part of a stack's config, so that a site's problems can be told beside the config's.
 * Where `dhis2` cannot be read, its absence is not held against the site.
 */
export function siteOf(values: Readonly<Record<string, string>>): SiteExtras & { readonly site?: string } {
  const input = readValues(values);
  const dhis2 = part("dhis2", input);
  return {
    site: part("site", input),
    dhis2: dhis2 ?? [],
    withoutDhis2: dhis2 === undefined || part("withoutDhis2", input) !== false,
  };
}

/** The siem container's settings, defaults where the config says nothing; undefined where it cannot be read. */
export function siemOf(values: Readonly<Record<string, string>>): Options["siem"] | undefined {
  const siem = part("siem", readValues(values));
  return siem && withHeap(siem);
}

function withHeap(siem: NonNullable<Part<"siem">>): Options["siem"] {
  return { ...siem, heap: siem.heap ?? largestHeap(siem.memory) };
}

/** Pulumi's texts as values; what is no JSON stays a text, and the schema says what it should be. */
function readValues(values: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(values).map(([key, text]) => [key, STRUCTURED.has(key) ? readJson(text) : text]),
  );
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The command that sets a key which is missing, or in whose place something stands that is no object or list. */
function howToSet([key, ...inner]: readonly PropertyKey[], values: Readonly<Record<string, string>>): string {
  if (inner.length > 0 || typeof key !== "string") return "";
  if (STRUCTURED.has(key)) {
    const example = key === "deliverySecrets" ? setSecret("NAME") : setPart(key);
    return `; set its parts, such as: ${example}`;
  }
  return values[key] === undefined ? `; set it with: pulumi config set ${key} VALUE` : "";
}

/** Parts that are not a key with a value of its own. */
const EXAMPLES: Readonly<Record<string, string>> = {
  detections: "detections.NAME.enabled",
  dhis2: "dhis2[0].name",
  kibana: "kibana.allowFrom[0]",
};

function setPart(key: string): string {
  return `pulumi config set --path '${EXAMPLES[key] ?? `${key}.${stackKeys([key])[0]}`}' VALUE`;
}

type Input = Readonly<Record<string, unknown>>;
type Part<K extends keyof typeof stackShape> = z.output<(typeof stackShape)[K]> | undefined;

/** One key's value, whether or not the others are right. */
function part<K extends keyof typeof stackShape>(key: K, input: Input): Part<K> {
  return (stackShape[key] as z.ZodType).safeParse(input[key]).data as Part<K>;
}

/** Checks that take more than one value; what has the wrong shape is passed over. */
function checkStack(input: Input, say: Say): void {
  const siem = part("siem", input);
  const fault = siem && heapFault(siem.memory, siem.heap ?? largestHeap(siem.memory));
  if (fault !== undefined) say(["siem", siem?.heap === undefined ? "memory" : "heap"], fault);
  const forward = part("forward", input);
  if (forward && forward.elasticsearchPort === forward.kibanaPort) {
    say(["forward"], `needs two ports; both are ${forward.kibanaPort}`);
  }
  checkInstances(part("dhis2", input) ?? [], say);
}

function checkInstances(instances: readonly DhisInstance[], say: Say): void {
  for (const key of ["name", "ip"] as const) {
    const values = instances.map((instance) => instance[key].toLowerCase());
    values.forEach((value, index) => {
      const before = values.indexOf(value);
      if (before < index) say(["dhis2", index, key], `"${value}" is already the ${key} of dhis2[${before}]`);
    });
  }
}
