import { readFileSync } from "node:fs";
import { join } from "node:path";

const NAMES = [
  "lib",
  "lxd",
  "in-container",
  "container",
  "packages",
  "elastic-secrets",
  "request",
  "elastic",
  "log-stream",
  "cluster",
  "journal",
  "location",
  "health",
  "health-report",
  "agent",
  "key",
  "relay",
  "relay-start",
] as const;

/** The texts of the shell scripts, by name. */
export type Scripts = Readonly<Record<(typeof NAMES)[number], string>>;

/** Reads `scripts/*.sh`. */
export function loadScripts(): Scripts {
  const read = (name: string) => readFileSync(join(__dirname, `${name}.sh`), "utf8");
  return Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Scripts;
}
