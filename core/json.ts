import { createHash } from "node:crypto";

/** A JSON object whose keys are not known. */
export type Json = Record<string, unknown>;

/**
 * Returns a value as JSON with sorted keys: equal values have equal texts, so a preview shows no difference. Lists keep their
 * order.
 * @param indent spaces for each level; without it, the JSON is one line
 */
export function stableJson(value: unknown, indent?: number): string {
  return JSON.stringify(sorted(value), undefined, indent);
}

/** Returns the SHA-256 of a text, in lower-case hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
