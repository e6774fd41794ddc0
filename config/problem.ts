import { closest } from "fastest-levenshtein";
import type { z } from "zod";

/** One thing that is wrong with an input: where, what, and what would be right. */
export interface Problem {
  readonly file: string;
  readonly line?: number;
  /** For example `containers[2].ip`. */
  readonly path: string;
  readonly message: string;
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** `file:line: path: message` */
export function printProblem({ file, line, path, message }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return path === "" ? `${where}: ${message}` : `${where}: ${path}: ${message}`;
}

/** A path of keys and positions as people write it. */
export function printPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

/** zod's issues in the project's words: one for each unknown key, with the nearest that exists. */
export function issueMessages(
  issue: z.core.$ZodIssue,
  known: (path: readonly PropertyKey[]) => readonly string[],
) {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known(path)) }));
  }
  return [{ path, message: issueMessage(issue) }];
}

export function unknownKey(key: string, known: readonly string[]): string {
  return known.length === 0
    ? "there is no such key"
    : `there is no such key; did you mean "${closest(key, [...known])}"? Known: ${[...known].sort().join(", ")}`;
}

function issueMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") {
    return issue.input === undefined
      ? `is missing; it must be ${article(issue.expected)}`
      : `must be ${article(issue.expected)}`;
  }
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  return issue.message;
}

function article(type: string): string {
  return (
    {
      string: "a text",
      number: "a number",
      int: "a whole number",
      array: "a list",
      object: "an object",
      boolean: "true or false",
    }[type] ?? type
  );
}
