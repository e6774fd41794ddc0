import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { sha256, stableJson } from "../core/json";
import type { Condition } from "./detection";
import { convertible, type RuleFile } from "./file";

/** The file that a folder of rules has its conversion in: made by `npm run -s detections -- convert`. */
export const CONVERTED = "converted.json";

const schema = z.record(
  z.string(),
  z.strictObject({
    /** SHA-256 of what was converted: what the rule's file has to say still. */
    source: z.string(),
    rules: z.record(z.string(), z.strictObject({ lucene: z.string(), esql: z.string() })),
  }),
);
/** What pySigma made of each file of a folder, by the file's name. */
export type Conversion = z.output<typeof schema>;

/** What of a file the conversion depends on, as one number. */
export function sourceHash(file: RuleFile): string {
  return sha256(stableJson(convertible(file)));
}

/** A folder's conversion; none where there is no file. */
export function readConversion(folder: string): Conversion {
  const path = join(folder, CONVERTED);
  return existsSync(path) ? schema.parse(JSON.parse(readFileSync(path, "utf8"))) : {};
}

/** A file's conditions by rule. Throws when the conversion is missing or older than the file. */
export function conditionsOf(file: RuleFile, conversion: Conversion): Record<string, Condition> {
  const converted = conversion[file.name];
  if (converted?.source === sourceHash(file)) return converted.rules;
  const fault = converted === undefined ? "was never converted" : "was changed after its conversion";
  throw new Error(`${file.path}: ${fault}: run npm run -s detections -- convert`);
}
