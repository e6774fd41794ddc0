import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONVERTED, type Conversion, sourceHash } from "../../detections/conversion";
import type { Condition } from "../../detections/detection";
import { convertible, type RuleFile } from "../../detections/file";
import { stableJson } from "../../core/json";

const PYSIGMA = join(__dirname, "../../detections/pysigma");

/** pySigma's word on one rule. */
export type Converted = Condition | { readonly error: string };

/** Runs pySigma once over Sigma rules by key. Throws when it cannot run at all (no Python, no registry). */
export function convertRules(rules: Readonly<Record<string, object>>): Record<string, Converted> {
  const run = spawnSync("bash", [join(PYSIGMA, "run.sh"), join(PYSIGMA, "convert.py")], {
    input: JSON.stringify(rules),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) throw new Error(`pySigma could not run:\n${run.stderr.trim()}`);
  return JSON.parse(run.stdout) as Record<string, Converted>;
}

/** The conversion of rule files. Throws one Error with each that pySigma cannot convert. */
export function convertFiles(files: readonly RuleFile[]): Conversion {
  const key = (file: RuleFile, rule: string) => `${file.name}/${rule}`;
  const rules = files.flatMap((file) =>
    Object.entries(convertible(file)).map(([name, rule]) => [key(file, name), rule] as const),
  );
  const converted = convertRules(Object.fromEntries(rules));
  const faults: string[] = [];
  const conversion = files.map((file) => {
    const conditions = Object.keys(convertible(file)).flatMap((name) => {
      const result = converted[key(file, name)] ?? { error: "pySigma said nothing" };
      if (!("error" in result)) return [[name, result] as const];
      faults.push(`${file.path}: ${name}: ${result.error}`);
      return [];
    });
    return [file.name, { source: sourceHash(file), rules: Object.fromEntries(conditions) }] as const;
  });
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return Object.fromEntries(conversion);
}

/** The text of a folder's `converted.json`. */
export function conversionText(conversion: Conversion): string {
  return `${stableJson(conversion, 2)}\n`;
}

/** Converts a folder's rules, and writes the result beside them. */
export function convertFolder(folder: string, files: readonly RuleFile[]): void {
  writeFileSync(join(folder, CONVERTED), conversionText(convertFiles(files)));
}
