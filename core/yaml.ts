import { readdirSync } from "node:fs";
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { errorText } from "./errors";
import { printPath, printProblem, reportIssues, type Problem, type Result } from "./problem";

/** The value of a YAML text, and where its parts are. */
export interface YamlText {
  readonly value: unknown;
  /** Returns the line of a path, or of the deepest key of the path that exists. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/**
 * Returns the value of a YAML text, or its problems: syntax errors and keys that occur twice. Throws nothing.
 * @param file the file's name, for messages
 */
export function parseYaml(file: string, source: string): Result<YamlText> {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const line = (offset: number) => lines.linePos(offset).line;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => ({
      file,
      line: line(pos[0]),
      path: "",
      message: `must be valid YAML: ${message}`,
    }));
    return { ok: false, problems };
  }
  const start = document.contents?.range?.[0] ?? 0;
  const lineOf = (path: readonly PropertyKey[]) => line(offsetOf(document.contents, path) ?? start);
  return { ok: true, value: { value: document.toJS(), lineOf } };
}

/**
 * Returns the value of a YAML text that fits a schema. Throws one Error with all problems, a line each, as printProblem has
 * them.
 * @param file the file's name, for messages
 */
export function readYaml<T extends z.ZodType>(file: string, source: string, schema: T): z.infer<T> {
  const parsed = parseYaml(file, source);
  if (!parsed.ok) throw new Error(parsed.problems.map(printProblem).join("\n"));
  const { value, lineOf } = parsed.value;
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const problems: Problem[] = [];
  reportIssues(
    result.error.issues,
    () => [],
    (path, message) => problems.push({ file, line: lineOf(path), path: printPath(path), message }),
  );
  throw new Error(problems.map(printProblem).join("\n"));
}

/** Returns the offset of a path in a YAML node, or of the deepest key of the path that exists; undefined if no key exists. */
export function offsetOf(node: unknown, [part, ...rest]: readonly PropertyKey[]): number | undefined {
  let key: unknown;
  let value: unknown;
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === part);
    [key, value] = [pair?.key, pair?.value];
  } else if (isSeq(node)) {
    value = key = node.items[part as number];
  }
  return (rest.length > 0 ? offsetOf(value, rest) : undefined) ?? (isNode(key) ? key.range?.[0] : undefined);
}

/** Returns the names of a folder's `.yml` files, sorted. */
export function yamlFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yml"))
    .sort();
}

/** Returns what `step` returns for each item. Throws one Error with the messages of all items that failed. */
export function collect<T, R>(items: readonly T[], step: (item: T) => R): R[] {
  const faults: string[] = [];
  const results = items.flatMap((item) => {
    try {
      return [step(item)];
    } catch (error) {
      faults.push(errorText(error));
      return [];
    }
  });
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return results;
}
