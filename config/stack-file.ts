import { isMap, LineCounter, parseDocument } from "yaml";
import type { LineOf } from "./load";
import { offsetOf } from "../core/yaml";

export const NAMESPACE = "dhis2-siem:";

/** What a `Pulumi.STACK.yaml` says by itself, without the engine: encrypted values are only known to be there. */
export interface StackFile {
  /** Texts as Pulumi gives them, objects as JSON, keys without the namespace. */
  readonly values: Readonly<Record<string, string>>;
  readonly encrypted: readonly string[];
  /** The names of `deliverySecrets` that stand there in plain text. One encrypted beside them hides that from the engine. */
  readonly plainSecrets: readonly string[];
  readonly lineOf: LineOf;
}

/** Reads a stack's file. A text that is no YAML gives an empty one: the engine itself says what is wrong with it. */
export function readStackFile(text: string): StackFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const config = document.errors.length > 0 ? undefined : document.get("config", true);
  const entries = isMap(config) ? Object.entries(config.toJSON() as Record<string, unknown>) : [];
  const own = entries
    .filter(([key]) => key.startsWith(NAMESPACE))
    .map(([key, value]) => [key.slice(NAMESPACE.length), value] as const);
  const isEncrypted = ([, value]: readonly [string, unknown]) => holdsEncrypted(value);
  return {
    values: Object.fromEntries(
      own
        .filter((entry) => !isEncrypted(entry))
        .map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    ),
    encrypted: own.filter(isEncrypted).map(([key]) => key),
    plainSecrets: own
      .filter(([key]) => key === "deliverySecrets")
      .flatMap(([, secrets]) => Object.entries(typeof secrets === "object" ? (secrets ?? {}) : {}))
      .filter(([name, secret]) => name !== "secure" && !holdsEncrypted(secret))
      .map(([name]) => name),
    lineOf: ([first, ...rest]) => {
      const offset = offsetOf(config, [`${NAMESPACE}${String(first)}`, ...rest]);
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
  };
}

/** One encrypted value in an object makes all of it secret, as it does to Pulumi. */
function holdsEncrypted(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "secure" in value || Object.values(value).some(holdsEncrypted);
}
