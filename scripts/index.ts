import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "../core/root";
import { SOURCES } from "../machines";

const NAMES = [
  "lib",
  "lxd",
  "in-container",
  "container",
  "packages",
  "firewall",
  "elastic-secrets",
  "request",
  "elastic",
  "log-stream",
  "cluster",
  "health",
  "health-report",
  "shipping",
  "shipping-report",
  "agent",
  "key",
  "relay",
  "relay-start",
  "siem-watch",
] as const;

/** A script's name: of one of `scripts/`, or of a source, such as "sources/nginx/logging". */
export type ScriptName = (typeof NAMES)[number] | SourceScript;
export type SourceScript = `sources/${string}`;

/** The texts of the shell scripts, by name. */
export type Scripts = Readonly<Record<ScriptName, string>>;

/** The name of a source's script, from its absolute path. */
export function sourceScript(path: string): SourceScript {
  return relative(ROOT, path).replace(/\.sh$/, "") as SourceScript;
}

/** Reads the program of the SIEM's watch over itself; siem-watch.sh installs it. */
export function loadWatchProgram(): string {
  return readFileSync(join(__dirname, "siem-watch.py"), "utf8");
}

/** Reads `scripts/*.sh`, and the sources' own. */
export function loadScripts(): Scripts {
  const read = (name: string, path: string) => [name, readFileSync(path, "utf8")] as const;
  const ofSources = SOURCES.flatMap(({ logging, proxy }) => [
    ...(logging?.scripts ?? []),
    ...(proxy?.scripts ?? []),
  ]);
  return Object.fromEntries([
    ...NAMES.map((name) => read(name, join(__dirname, `${name}.sh`))),
    ...ofSources.map((path) => read(sourceScript(path), path)),
  ]) as Scripts;
}
