import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Problem } from "../../core/problem";
import { orphans, queryPath, queryText } from "../../detections/conversion";
import type { Condition } from "../../detections/detection";
import { convertible, type RuleFile } from "../../detections/file";

const PYSIGMA = join(__dirname, "../../detections/pysigma");

/** The result of pySigma for one rule. */
export type Converted = Condition | { readonly error: string };

/**
 * Runs pySigma once for all Sigma rules, and returns the results by the same keys. Throws an Error if it cannot run (no
 * Python, no package registry).
 */
export function convertRules(rules: Readonly<Record<string, object>>): Record<string, Converted> {
  const run = spawnSync("bash", [join(PYSIGMA, "run.sh"), join(PYSIGMA, "convert.py")], {
    input: JSON.stringify(rules),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) throw new Error(`pySigma could not run:\n${run.stderr.trim()}`);
  return JSON.parse(run.stdout) as Record<string, Converted>;
}

/** Returns the text of each query file by its path, and a problem for each rule that pySigma cannot convert. */
export function convertFiles(files: readonly RuleFile[]): {
  queries: Record<string, string>;
  problems: Problem[];
} {
  const key = (file: RuleFile, rule: string) => `${queryPath(file)}/${rule}`;
  const rules = files.flatMap((file) =>
    Object.entries(convertible(file)).map(([name, rule]) => [key(file, name), rule] as const),
  );
  const converted = convertRules(Object.fromEntries(rules));
  const problems: Problem[] = [];
  const queries = files.flatMap((file) => {
    const names = Object.keys(convertible(file));
    const conditions = names.flatMap((name) => {
      const result = converted[key(file, name)] ?? {
        error: "pySigma printed nothing for this rule; run npm run detections -- convert again",
      };
      if (!("error" in result)) return [[name, result] as const];
      const line = file.lineOf(name, ["detection"]);
      problems.push({
        file: file.path,
        line,
        path: "detection",
        message: `of ${name} cannot be converted: ${result.error}`,
      });
      return [];
    });
    if (conditions.length < names.length) return [];
    return [[queryPath(file), queryText(file, Object.fromEntries(conditions))] as const];
  });
  return { queries: Object.fromEntries(queries), problems };
}

/** The changes to a folder's query files. */
export interface ConvertedFolder {
  readonly written: readonly string[];
  /** Query files that had no rule. */
  readonly removed: readonly string[];
  readonly problems: readonly Problem[];
}

/** Converts the rules of a folder. Writes the query files that changed, and removes query files that have no rule. Returns what it did. */
export function convertFolder(folder: string, files: readonly RuleFile[]): ConvertedFolder {
  const { queries, problems } = convertFiles(files);
  const written = Object.entries(queries).filter(
    ([path, text]) => !existsSync(path) || readFileSync(path, "utf8") !== text,
  );
  for (const [path, text] of written) writeFileSync(path, text);
  const removed = orphans(folder).map((name) => join(folder, name));
  for (const path of removed) rmSync(path);
  return { written: written.map(([path]) => path), removed, problems };
}
