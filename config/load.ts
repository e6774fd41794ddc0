import { IPv4 } from "ipaddr.js";
import type { z } from "zod";
import { checkSite, networkOf, type SiteExtras } from "./check-site";
import { siteKeysAt, siteSchema, type SiteFile } from "./containers-json";
import { checkDelivery, setSecretCommand } from "./delivery";
import { checkKibana } from "./kibana";
import { parseJson } from "../core/json-text";
import { diskFault, heapFault, largestHeap, memoryFault } from "./memory";
import {
  printPath,
  reportIssues,
  sortByLine,
  type Problem,
  type ReportProblem,
  type Result,
} from "../core/problem";
import { machineType, PROXIES } from "../machines";
import type { DhisInstance, Options, Site, SiteContainer } from "./site";
import { NO_DISK_LIMIT, STRUCTURED_KEYS, stackKeysAt, stackSchema, stackShape } from "./stack";

/** The stack's config as checked data. */
export interface StackConfig extends SiteExtras {
  /** The path of the site's file. */
  readonly site: string;
  readonly options: Options;
  readonly privateKey?: string;
  /** The secrets of the alerts' destinations, by the destination's name. */
  readonly deliverySecrets: Readonly<Record<string, string>>;
}

/** Returns the line of a key in the stack's file; undefined if it is not known. */
export type LineOf = (path: readonly PropertyKey[]) => number | undefined;

/**
 * Returns the site that `text` describes, or every problem with its line; throws nothing.
 * @param file the file's name, for messages
 * @param text the text of a `containers.json`
 * @param extras the settings of the stack's config that add to the site
 */
export function parseSite(file: string, text: string, extras: SiteExtras): Result<Site> {
  const json = parseJson(file, text);
  if ("syntax" in json) return { ok: false, problems: [json.syntax] };
  const problems: Problem[] = [...json.problems];
  const report: ReportProblem = (path, message) => {
    problems.push({ file, line: json.lineOf(path), path: printPath(path), message });
  };
  const parsed = siteSchema.safeParse(json.value, { reportInput: true });
  reportIssues(parsed.error?.issues ?? [], siteKeysAt, report);
  checkSite(json.value, extras, report);
  if (problems.length > 0 || !parsed.success) return { ok: false, problems: sortByLine(problems) };
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
    .map((entry) => (isProxy(entry) ? { ...entry, program: file.proxy } : entry));
  const [gateway, prefix] = IPv4.parseCIDR(file.network);
  return {
    fqdn: file.fqdn,
    email: file.email,
    timezone: file.environment.TZ,
    network: { cidr: networkOf(file.network), gateway: gateway.toString(), prefix },
    containers,
    // checkSite requires exactly one SIEM and one proxy.
    siem: containers.find(({ type }) => machineType(type).role === "siem") as SiteContainer,
    proxy: containers.find(isProxy) as Site["proxy"],
    agents: containers.filter(({ type }) => machineType(type).role === undefined),
  };
}

/**
 * Returns the stack's config, or every problem; throws nothing. No problem shows a value that can be secret.
 * @param values the config as Pulumi gives it: all texts, objects as JSON, keys without the namespace
 * @param isSecret whether a key's value is encrypted
 * @param file the name of the stack's file, for messages
 * @param plainSecrets the names of delivery secrets that are in the file in plain text
 */
export function parseStack(
  values: Readonly<Record<string, string>>,
  isSecret: (key: string) => boolean,
  file: string,
  lineOf: LineOf = () => undefined,
  plainSecrets: readonly string[] = [],
): Result<StackConfig> {
  const problems: Problem[] = [];
  const report: ReportProblem = (path, message) => {
    const line = lineOf(path);
    const where = { file, path: `dhis2-siem:${printPath(path)}` };
    problems.push({ ...where, ...(line === undefined ? {} : { line }), message });
  };
  const input = readValues(values);
  const parsed = stackSchema.safeParse(input, { reportInput: true });
  reportIssues(parsed.error?.issues ?? [], stackKeysAt, (path, message) =>
    report(path, message + howToSet(path, values)),
  );
  checkStack(input, report);
  if (values.privateKey !== undefined && !isSecret("privateKey")) {
    report(
      ["privateKey"],
      "must be encrypted; set it again with: pulumi config set --secret privateKey < FILE",
    );
  }
  const delivery = readSetting("delivery", input);
  const areSecretsUnknown = values.deliverySecrets === undefined && isSecret("deliverySecrets");
  if (delivery)
    checkDelivery(delivery, areSecretsUnknown ? undefined : readSetting("deliverySecrets", input), report);
  for (const name of plainSecrets) {
    report(["deliverySecrets", name], `must be encrypted; set it again with: ${setSecretCommand(name)}`);
  }
  if (plainSecrets.length === 0 && values.deliverySecrets !== undefined && !isSecret("deliverySecrets")) {
    report(["deliverySecrets"], `must be encrypted; set each secret again with: ${setSecretCommand("NAME")}`);
  }
  if (problems.length > 0 || !parsed.success) return { ok: false, problems: sortByLine(problems) };
  const { site, privateKey, deliverySecrets, dhis2, withoutDhis2, ...settings } = parsed.data;
  const { host, port, user, hostKey, bastion, ...rest } = settings;
  const options: Options = {
    ...rest,
    host: { host, port, user, hostKey, ...(bastion ? { bastion } : {}) },
    siem: withDerived(rest.siem),
  };
  return {
    ok: true,
    value: { site, options, deliverySecrets, dhis2, withoutDhis2, ...(privateKey ? { privateKey } : {}) },
  };
}

/**
 * Returns the settings of a stack's config that add to the site, also if others are invalid: so the problems of both are
 * reported together. If `dhis2` is invalid, the site does not need an instance.
 */
export function readSiteSettings(
  values: Readonly<Record<string, string>>,
): SiteExtras & { readonly site?: string } {
  const input = readValues(values);
  const dhis2 = readSetting("dhis2", input);
  return {
    site: readSetting("site", input),
    dhis2: dhis2 ?? [],
    withoutDhis2: dhis2 === undefined || readSetting("withoutDhis2", input) !== false,
  };
}

/** Returns the settings of the SIEM's container, with defaults; undefined if they are invalid. */
export function readSiemSettings(values: Readonly<Record<string, string>>): Options["siem"] | undefined {
  const siem = readSetting("siem", readValues(values));
  return siem && withDerived(siem);
}

function withDerived({ disk, ...siem }: NonNullable<Setting<"siem">>): Options["siem"] {
  const limit = disk === NO_DISK_LIMIT ? {} : { disk };
  return { ...siem, ...limit, heap: siem.heap ?? largestHeap(siem.memory) };
}

/** Returns the values of Pulumi's texts. A text that is not JSON stays a text: the schema reports it. */
function readValues(values: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(values).map(([key, text]) => [key, STRUCTURED_KEYS.has(key) ? readJson(text) : text]),
  );
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Returns the command that sets a key which is missing, or whose value is not the object or list that it must be. */
function howToSet([key, ...inner]: readonly PropertyKey[], values: Readonly<Record<string, string>>): string {
  if (inner.length > 0 || typeof key !== "string") return "";
  if (STRUCTURED_KEYS.has(key)) {
    const example = key === "deliverySecrets" ? setSecretCommand("NAME") : setKeyCommand(key);
    return `; set its keys, such as: ${example}`;
  }
  return values[key] === undefined ? `; set it with: pulumi config set ${key} VALUE` : "";
}

/** Examples of paths for `pulumi config set`. The other keys' first key has a value of its own. */
const EXAMPLE_PATHS: Readonly<Record<string, string>> = {
  detections: "detections.NAME.enabled",
  dhis2: "dhis2[0].name",
  kibana: "kibana.allowFrom[0]",
};

function setKeyCommand(key: string): string {
  return `pulumi config set --path '${EXAMPLE_PATHS[key] ?? `${key}.${stackKeysAt([key])[0]}`}' VALUE`;
}

type Input = Readonly<Record<string, unknown>>;
type Setting<K extends keyof typeof stackShape> = z.output<(typeof stackShape)[K]> | undefined;

/** Returns the value of one key; undefined if it is invalid. */
function readSetting<K extends keyof typeof stackShape>(key: K, input: Input): Setting<K> {
  return (stackShape[key] as z.ZodType).safeParse(input[key]).data as Setting<K>;
}

/** Checks that need more than one value. A value of the wrong type is skipped: the schema reports it. */
function checkStack(input: Input, report: ReportProblem): void {
  const siem = readSetting("siem", input);
  if (siem !== undefined) {
    const { memory, heap, disk } = siem;
    const fault = heap === undefined ? memoryFault(memory) : heapFault(memory, heap);
    if (fault !== undefined) report(["siem", heap === undefined ? "memory" : "heap"], fault);
    const tooSmall = disk === NO_DISK_LIMIT ? undefined : diskFault(disk);
    if (tooSmall !== undefined) report(["siem", "disk"], tooSmall);
  }
  if (readSetting("access", input) === "direct" && siem?.allowFrom.length === 0) {
    report(
      ["siem", "allowFrom"],
      "must be the network of the machine that runs this program, such as [10.8.0.0/24], because access is direct",
    );
  }
  const forward = readSetting("forward", input);
  if (forward && forward.elasticsearchPort === forward.kibanaPort) {
    report(["forward"], `must have two different ports; both are ${forward.kibanaPort}`);
  }
  const kibana = readSetting("kibana", input);
  if (kibana !== undefined) checkKibana(kibana, (path, message) => report(["kibana", ...path], message));
  checkInstances(readSetting("dhis2", input) ?? [], report);
}

function checkInstances(instances: readonly DhisInstance[], report: ReportProblem): void {
  for (const key of ["name", "ip"] as const) {
    const values = instances.map((instance) => instance[key].toLowerCase());
    values.forEach((value, index) => {
      const before = values.indexOf(value);
      if (before < index) {
        report(["dhis2", index, key], `must be unique; "${value}" is already the ${key} of dhis2[${before}]`);
      }
    });
  }
}
