import { closest, distance } from "fastest-levenshtein";
import type { z } from "zod";

/** A fault of an input: where it is and what is valid there. */
export interface Problem {
  readonly file: string;
  readonly line?: number;
  /** The key, such as `containers[2].ip`; empty for the whole file. */
  readonly path: string;
  /** Begins with a verb, because the key is its subject: `must be a network, such as 192.168.0.0/24`. */
  readonly message: string;
}

/** A value, or all problems of the input that it was to be read from. */
export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reports a problem of the value at a path. */
export type ReportProblem = (path: readonly PropertyKey[], message: string) => void;

/**
 * Returns a problem as one sentence, `site.json:3: fqdn must be ...`. Without a path the file is the subject:
 * `site.json:1: the file must be ...`, or `site.json must be ...` if there is no line.
 */
export function printProblem({ file, line, path, message }: Problem): string {
  if (line === undefined) return path === "" ? `${file} ${message}` : `${file}: ${path} ${message}`;
  return `${file}:${line}: ${path === "" ? "the file" : path} ${message}`;
}

/** Returns the problems in the order of their lines; those without a line come last. */
export function sortByLine(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0);
}

/** Returns a path of keys and positions as text, such as `containers[2].ip`, each key fit for a message. */
export function printPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const key = printable(String(part));
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

/** Returns a text from outside, fit for a message: one line without control characters, of 63 characters at most. */
export function printable(text: string): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
  return line.length > 60 ? `${line.slice(0, 60)}...` : line;
}

/**
 * Reports a schema's issues as problems, one for each unknown key. The issues must come from a parse with `reportInput`.
 * @param known the keys that are valid at a path; none if they are not known
 */
export function reportIssues(
  issues: readonly z.core.$ZodIssue[],
  known: (path: readonly PropertyKey[]) => readonly string[],
  report: ReportProblem,
): void {
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") report(issue.path, issueMessage(issue));
    else for (const key of issue.keys) report([...issue.path, key], unknownKey(key, known(issue.path)));
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  if (known.length === 0) return "is not a known key";
  return `is not a known key${didYouMean(key, known) || "."} Known keys: ${[...known].sort().join(", ")}`;
}

/** Returns the nearest of some names as the end of a sentence, `; did you mean "x"?`; an empty text if no name is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const nearest = closest(name, [...known]);
  const isNear = distance(name.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, nearest.length / 2);
  return isNear ? `; did you mean "${nearest}"?` : "";
}

function issueMessage(issue: z.core.$ZodIssue): string {
  const message = requirement(issue);
  return issue.input === undefined && message.startsWith("must ") ? `is missing; it ${message}` : message;
}

/** Returns what the schema demands: in its own words if it has some, otherwise by the issue's code. */
function requirement(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith("must ")) return issue.message;
  if (issue.code === "invalid_type") return `must be ${TYPES[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    const guess = typeof issue.input === "string" ? didYouMean(issue.input, values) : "";
    return `must be one of ${values.join(", ")}${guess}`;
  }
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  return issue.message;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** Returns words as a choice: "a, b or c". */
export function joinWithOr(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
