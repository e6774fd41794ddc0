import { join, relative, resolve } from "node:path";
import { collect, yamlFiles } from "../core/yaml";
import { buildDetection } from "./build";
import { conditionsOf, readConversion } from "./conversion";
import type { Detection } from "./detection";
import { readRuleFile, type RuleFile } from "./file";

export type { Detection } from "./detection";

/** The project's own rules. */
export const RULES = join(__dirname, "rules");

/** A folder's rule files, by name. Throws one Error with every fault of every file. */
export function readRuleFiles(folder: string = RULES): RuleFile[] {
  const shown = (file: string) => relative(resolve(__dirname, ".."), join(resolve(folder), file));
  return collect(yamlFiles(folder), (file) =>
    readRuleFile(join(folder, file), shown(file).startsWith("..") ? join(folder, file) : shown(file)),
  );
}

/**
 * All detections, sorted by name: ours, and those of an operator's own folder beside them. Throws one Error with every
 * fault, each with file and key: a bad rule, a conversion that is missing or old, an id or a name given twice.
 */
export function loadDetections(ownFolder?: string): Detection[] {
  const folders = ownFolder === undefined ? [RULES] : [RULES, ownFolder];
  const loaded = folders.flatMap((folder) => {
    const conversion = readConversion(folder);
    return collect(readRuleFiles(folder), (file) => ({
      path: file.path,
      detection: buildDetection(file, conditionsOf(file, conversion)),
    }));
  });
  for (const key of ["id", "name"] as const) {
    const seen = new Map<string, string>();
    for (const { path, detection } of loaded) {
      const first = seen.get(detection[key]);
      if (first !== undefined) throw new Error(`${path}: ${key}: ${detection[key]} is also that of ${first}`);
      seen.set(detection[key], path);
    }
  }
  return loaded.map(({ detection }) => detection).sort((a, b) => (a.name < b.name ? -1 : 1));
}
