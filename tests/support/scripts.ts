import assert from "node:assert/strict";
import { loadScripts, type ScriptName } from "../../scripts";

/** Scripts as one text, in this order and without running any: what they keep in /run and in the state is in `folder`. */
export function movedScripts(folder: string, ...names: readonly ScriptName[]): string {
  const scripts = loadScripts();
  return names
    .map((name) => scripts[name] ?? assert.fail(name))
    .join("\n")
    .replaceAll("/run/", `${folder}/`)
    .replaceAll("/var/lib/dhis2-siem", `${folder}/state`);
}
