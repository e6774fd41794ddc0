import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { renderBundle } from "../../render/bundle";
import { type Instance, readInstances } from "../site/discover";
import { SOURCES } from "../../machines";
import type { Disk, Inside, Package } from "./facts";
import type { State } from "./state";

/** What host.sh said. */
export interface HostFacts {
  readonly instances: readonly Instance[];
  readonly inside: Readonly<Record<string, Inside>>;
}

/** The bundle that looks at the host and, in the same round trip, into each of the containers; it changes nothing. */
export function lookBundle(lxdProject: string, containers: readonly string[], state: State): string {
  const paths = containers.flatMap((name) =>
    Object.keys(state.containers[name]?.files ?? {}).map((path) => `${name} ${path}`),
  );
  return renderBundle({
    title: "what is there",
    values: { LXD_PROJECT: lxdProject },
    files: { inside: insideScript(), containers: lines(containers), paths: lines(paths) },
    scripts: [script("host")],
  });
}

/** The bundle that writes one marked line into the journal of each container, and one that the canary's rule finds. */
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

/** What runs in each container: inside.sh, with what the sources look at (sources/NAME/verify.sh). */
export function insideScript(): string {
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

const said = z.object({ fact: z.string(), key: z.string(), value: z.string() });
type Said = z.output<typeof said>;

/** What host.sh printed. Throws where it is not LXD's list; a container's line that is none is passed over. */
export function readHostFacts(stdout: string): HostFacts {
  const byContainer = new Map<string, Said[]>();
  let instances: Instance[] | undefined;
  for (const line of stdout.split("\n")) {
    const [name = "", ...rest] = line.split("\t");
    const json = rest.join("\t");
    if (name === "" && json !== "") instances ??= readInstances(json);
    else if (json !== "") byContainer.set(name, [...(byContainer.get(name) ?? []), ...readSaid(json)]);
  }
  if (instances === undefined) throw new Error("the host did not say which containers it has");
  return {
    instances,
    inside: Object.fromEntries([...byContainer].map(([name, facts]) => [name, readInside(facts)])),
  };
}

function readSaid(json: string): Said[] {
  try {
    return [said.parse(JSON.parse(json))];
  } catch {
    return [];
  }
}

function readInside(facts: readonly Said[]): Inside {
  const of = <T>(fact: string, read: (value: string) => T): Record<string, T> =>
    Object.fromEntries(facts.filter((one) => one.fact === fact).map(({ key, value }) => [key, read(value)]));
  return {
    units: of("unit", (value) => value || "unknown"),
    packages: packagesOf(of("package", (value) => value)),
    files: of("file", (value) => (value === "" ? undefined : value)),
    sources: Object.fromEntries(SOURCES.map(({ name }) => [name, of(name, (value) => value)])),
    certificates: of("certificate", (value) => (value === "" ? undefined : Date.parse(value))),
    disks: Object.entries(of("disk", (value) => value)).map(([mount, value]): Disk => {
      const [size = 0, free = 0] = value.split(" ").map(Number);
      return { mount, size, free };
    }),
  };
}

/** Those that are installed; dpkg says "hold installed 8.19.8". */
function packagesOf(statuses: Readonly<Record<string, string>>): Record<string, Package> {
  return Object.fromEntries(
    Object.entries(statuses).flatMap(([name, status]) => {
      const [want, installed, version = ""] = status.split(" ");
      return installed === "installed" ? [[name, { version, held: want === "hold" }] as const] : [];
    }),
  );
}
