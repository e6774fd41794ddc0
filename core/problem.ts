import { closest, distance } from "fastest-levenshtein";
import type { z } from "zod";

/** One thing that is wrong with an input: where, what, and what would be right. */
export interface Problem {
  readonly file: string;
  readonly line?: number;
  /** For example `containers[2].ip`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Says that something is wrong at a path. */
export type Say = (path: readonly PropertyKey[], message: string) => void;

/** `file:line: path: message`, in one line. */
export function printProblem({ file, line, path, message }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return path === "" ? `${where}: ${message}` : `${where}: ${path}: ${message}`;
}

/** In the order of the file; those without a line last. */
export function byLine(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0);
}

/** A path of keys and positions as people write it; what comes from outside stays on one line. */
export function printPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const key = shown(String(part));
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

/** A text from an input, fit for a message: no line breaks or control characters, and not endless. */
export function shown(text: string): string {
  const printable = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
  return printable.length > 60 ? `${printable.slice(0, 60)}...` : printable;
}

/** Says a schema's issues in the project's words: one for each unknown key, with the nearest one that exists. */
export function sayIssues(
  issues: readonly z.core.$ZodIssue[],
  known: (path: readonly PropertyKey[]) => readonly string[],
  say: Say,
): void {
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") say(issue.path, issueMessage(issue));
    else for (const key of issue.keys) say([...issue.path, key], unknownKey(key, known(issue.path)));
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  if (known.length === 0) return "there is no such key";
  const nearest = closest(key, [...known]);
  // Of another word altogether the nearest one says nothing.
  const isNear = distance(key.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, nearest.length / 2);
  const guess = isNear ? `; did you mean "${nearest}"?` : ".";
  return `there is no such key${guess} There are: ${[...known].sort().join(", ")}`;
}

function issueMessage(issue: z.core.$ZodIssue): string {
  const missing = issue.input === undefined ? "is missing; it " : "";
  if (issue.code === "invalid_type") return `${missing}must be ${TYPES[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value")
    return `${missing}must be one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  return issue.message;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** A choice in words: "a, b or c". */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
