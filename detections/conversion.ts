import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { sha256, stableJson } from "../core/json";
import type { Problem, Result } from "../core/problem";
import type { Condition } from "./detection";
import { convertible, type RuleFile } from "./file";

/** The query of NAME.yml is in NAME.query.json, which `npm run -s detections -- convert` writes. */
const ENDING = ".query.json";
const CONVERT = "run npm run -s detections -- convert";

const schema = z.strictObject({
  /** The SHA-256 of the converted rules. If the rule's file changed since, it is another one. */
  source: z.string(),
  rules: z.record(z.string(), z.strictObject({ lucene: z.string(), esql: z.string() })),
});

/** Returns the SHA-256 of the parts of a file that the conversion depends on, in lower-case hex. */
export function sourceHash(file: Parameters<typeof convertible>[0]): string {
  return sha256(stableJson(convertible(file)));
}

/** Returns the path of a rule's query file. */
export function queryPath({ folder, name }: Pick<RuleFile, "folder" | "name">): string {
  return join(folder, name + ENDING);
}

/** Returns the text of a rule's query file. */
export function queryText(file: RuleFile, rules: Readonly<Record<string, Condition>>): string {
  return `${stableJson({ source: sourceHash(file), rules }, 2)}\n`;
}

/** Returns a file's converted conditions by rule, or a problem if the conversion is missing, older than the file, or cannot be read. */
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

/** Returns the file names of a folder's queries that have no rule, sorted. */
export function orphans(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(
      (file) => file.endsWith(ENDING) && !existsSync(join(folder, `${file.slice(0, -ENDING.length)}.yml`)),
    )
    .sort();
}

/** Returns the problem of a query that has no rule. */
export function orphanProblem(shown: string): Problem {
  return {
    file: shown,
    path: "",
    message: `is the query of a rule that does not exist: ${CONVERT}, which removes it`,
  };
}
