import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { sha256, stableJson } from "../core/json";
import type { Problem, Result } from "../core/problem";
import type { Condition } from "./detection";
import { convertible, type RuleFile } from "./file";

/** What a rule's file NAME.yml has its query in, beside it: made by `npm run -s detections -- convert`. */
const ENDING = ".query.json";
const CONVERT = "run npm run -s detections -- convert";

const schema = z.strictObject({
  /** SHA-256 of what was converted: what the rule's file must say still. */
  source: z.string(),
  rules: z.record(z.string(), z.strictObject({ lucene: z.string(), esql: z.string() })),
});

/** What of a file the conversion depends on, as one number. */
export function sourceHash(file: Parameters<typeof convertible>[0]): string {
  return sha256(stableJson(convertible(file)));
}

/** The path of a rule's query, from the folder's path and the rule's name. */
export function queryPath({ folder, name }: Pick<RuleFile, "folder" | "name">): string {
  return join(folder, name + ENDING);
}

/** The text of a rule's query file. */
export function queryText(file: RuleFile, rules: Readonly<Record<string, Condition>>): string {
  return `${stableJson({ source: sourceHash(file), rules }, 2)}\n`;
}

/** A file's conditions by rule; a problem where the conversion is missing, older than the file, or cannot be read. */
export function conditionsOf(file: RuleFile): Result<Record<string, Condition>> {
  const path = queryPath(file);
  const fault = (message: string): { ok: false; problems: Problem[] } => ({
    ok: false,
    problems: [{ file: file.path, path: "", message: `${message}: ${CONVERT}` }],
  });
  if (!existsSync(path)) return fault("was never converted");
  const query = readQuery(path);
  if (query === undefined) return fault(`has a query that cannot be read, ${file.name}${ENDING}`);
  if (query.source !== sourceHash(file)) return fault("was changed after its conversion");
  return { ok: true, value: query.rules };
}

function readQuery(path: string): z.output<typeof schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}

/** The queries in a folder whose rule is gone, by file name. */
export function orphans(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(
      (file) => file.endsWith(ENDING) && !existsSync(join(folder, `${file.slice(0, -ENDING.length)}.yml`)),
    )
    .sort();
}

/** What is said of a query whose rule is gone. */
export function orphanProblem(shown: string): Problem {
  return {
    file: shown,
    path: "",
    message: `is the query of a rule that does not exist: ${CONVERT}, which removes it`,
  };
}
