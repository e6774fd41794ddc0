import { z } from "zod";

export type Json = Record<string, unknown>;

/** An answer other than success: the HTTP status and the message that Kibana would give. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** True for anything that has named members: not for null, arrays, text or numbers. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "Array";
  return typeof value === "object" ? "Object" : typeof value;
}

function either(path: PropertyKey[], alternatives: string[]): string {
  const lines = alternatives.map((text, i) => `- [${[...path, i].join(".")}]: ${text}`);
  return `types that failed validation:\n${lines.join("\n")}`;
}

function complaint(issue: z.core.$ZodIssue, path: PropertyKey[]): string {
  switch (issue.code) {
    case "invalid_type":
      if (issue.expected === "never") return "a value wasn't expected to be present";
      if (issue.expected === "object" && issue.input !== undefined)
        return `expected a plain object value, but found [${typeName(issue.input)}] instead.`;
      return `expected value of type [${issue.expected}] but got [${typeName(issue.input)}]`;
    case "invalid_value": {
      const texts = issue.values.map((value) => `expected value to equal [${String(value)}]`);
      return texts.length === 1 ? String(texts[0]) : either(path, texts);
    }
    case "invalid_union":
      return either(
        path,
        issue.errors.map(([first]) => (first ? complaint(first, path) : "")),
      );
    case "too_small":
    case "too_big": {
      const small = issue.code === "too_small";
      const limit = String(small ? issue.minimum : issue.maximum);
      const size = (issue.input as { length?: number }).length;
      if (issue.origin === "string")
        return `value has length [${size}] but it must have a ${small ? "minimum" : "maximum"} length of [${limit}].`;
      if (issue.origin === "array")
        return `array size is [${size}], but cannot be ${small ? "smaller" : "greater"} than [${limit}]`;
      return `Value must be equal to or ${small ? "greater" : "lower"} than [${limit}].`;
    }
    default:
      return issue.message;
  }
}

/**
 * Checks a value as Kibana's schema library does and gives it back with its defaults.
 * Throws an Error with the first complaint in Kibana's form, `[prefix.path]: complaint`.
 */
export function check<T extends z.ZodType>(schema: T, value: unknown, prefix = ""): z.output<T> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (!issue) throw result.error;
  const inner = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
  const path = (prefix ? [prefix, ...inner] : inner).join(".");
  const text =
    issue.code === "unrecognized_keys" ? "definition for this key is missing" : complaint(issue, inner);
  throw new Error(path ? `[${path}]: ${text}` : text);
}

/** Runs a check and turns its complaint into a 400 answer, with what Kibana puts before it. */
export function checkRequest<T extends z.ZodType>(
  schema: T,
  value: unknown,
  prefix: string,
  before = "",
): z.output<T> {
  try {
    return check(schema, value, prefix);
  } catch (error) {
    throw new Refusal(400, before + (error as Error).message);
  }
}
