import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { renderBundle } from "../../render/bundle";
import { type Instance, readInstances } from "../site/discover";
import { SOURCES } from "../../machines";
import type { ContainerFacts, Disk, FirewallFacts, Package } from "./facts";
import type { State } from "./state";

/** What host.sh printed. */
export interface HostFacts {
  readonly instances: readonly Instance[];
  readonly containers: Readonly<Record<string, ContainerFacts>>;
}

/** Returns the bundle that prints the facts of the host and, in the same round trip, of each container. It changes nothing. */
export function hostFactsBundle(lxdProject: string, containers: readonly string[], state: State): string {
  const paths = containers.flatMap((name) =>
    Object.keys(state.containers[name]?.files ?? {}).map((path) => `${name} ${path}`),
  );
  return renderBundle({
    title: "what is there",
    values: { LXD_PROJECT: lxdProject },
    files: { inside: containerScript(), containers: lines(containers), paths: lines(paths) },
    scripts: [script("host")],
  });
}

/** Returns the bundle that writes a marked line into the journal of each container, and a line that the canary's rule matches. */
export function canaryBundle(
  lxdProject: string,
  containers: readonly string[],
  mark: { token: string; identifier: string; alertIdentifier: string; alertContainer: string },
): string {
  return renderBundle({
    title: "a canary in each container",
    values: {
      LXD_PROJECT: lxdProject,
      TOKEN: mark.token,
      IDENTIFIER: mark.identifier,
      ALERT_IDENTIFIER: mark.alertIdentifier,
      ALERT_CONTAINER: mark.alertContainer,
    },
    files: { containers: lines(containers) },
    scripts: [script("canary")],
  });
}

/** Returns the script that runs in each container: inside.sh with the sources' own parts (sources/NAME/verify.sh). */
export function containerScript(): string {
  const own = SOURCES.flatMap(({ verify }) =>
    verify ? [readFileSync(verify.script, "utf8").trimEnd()] : [],
  );
  return `look_at_sources() {\n:\n${own.join("\n")}\n}\n${script("inside")}`;
}

function script(name: string): string {
  return readFileSync(join(__dirname, `${name}.sh`), "utf8");
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

const reportedFact = z.object({ fact: z.string(), key: z.string(), value: z.string() });
type ReportedFact = z.output<typeof reportedFact>;

/** Returns the facts in host.sh's output. Throws if it does not hold LXD's list of containers. Lines of a container that are not JSON are skipped. */
export function readHostFacts(stdout: string): HostFacts {
  const byContainer = new Map<string, ReportedFact[]>();
  let instances: Instance[] | undefined;
  for (const line of stdout.split("\n")) {
    const [name = "", ...rest] = line.split("\t");
    const json = rest.join("\t");
    if (name === "" && json !== "") instances ??= readInstances(json);
    else if (json !== "")
      byContainer.set(name, [...(byContainer.get(name) ?? []), ...parseReportedFact(json)]);
  }
  if (instances === undefined) throw new Error("the host did not say which containers it has");
  return {
    instances,
    containers: Object.fromEntries([...byContainer].map(([name, facts]) => [name, toContainerFacts(facts)])),
  };
}

function parseReportedFact(json: string): ReportedFact[] {
  try {
    return [reportedFact.parse(JSON.parse(json))];
  } catch {
    return [];
  }
}

function toContainerFacts(facts: readonly ReportedFact[]): ContainerFacts {
  const byKey = <T>(fact: string, read: (value: string) => T): Record<string, T> =>
    Object.fromEntries(facts.filter((one) => one.fact === fact).map(({ key, value }) => [key, read(value)]));
  return {
    units: byKey("unit", (value) => value || "unknown"),
    packages: installedPackages(byKey("package", (value) => value)),
    files: byKey("file", (value) => (value === "" ? undefined : value)),
    sources: Object.fromEntries(SOURCES.map(({ name }) => [name, byKey(name, (value) => value)])),
    certificates: byKey("certificate", (value) => (value === "" ? undefined : Date.parse(value))),
    disks: Object.entries(byKey("disk", (value) => value)).map(([mount, value]): Disk => {
      const [size = 0, free = 0] = value.split(" ").map(Number);
      return { mount, size, free };
    }),
    ...firewallFacts(byKey("firewall", (value) => value)),
  };
}

function firewallFacts(values: Readonly<Record<string, string>>): { readonly firewall?: FirewallFacts } {
  if (Object.keys(values).length === 0) return {};
  const list = (key: string) => (values[key] ?? "").split(",").filter((address) => address !== "");
  return {
    firewall: {
      elasticsearch: list("elasticsearch"),
      kibana: list("kibana"),
      networks: list("networks"),
      reject: values.reject ?? "",
    },
  };
}

/** Returns the installed packages from their dpkg status, such as "hold installed 8.19.8". */
function installedPackages(statuses: Readonly<Record<string, string>>): Record<string, Package> {
  return Object.fromEntries(
    Object.entries(statuses).flatMap(([name, status]) => {
      const [want, installed, version = ""] = status.split(" ");
      return installed === "installed" ? [[name, { version, held: want === "hold" }] as const] : [];
    }),
  );
}
