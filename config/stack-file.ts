import { isMap, LineCounter, parseDocument } from "yaml";
import type { LineOf } from "./load";
import { offsetOf } from "../core/yaml";

/** The beginning of this program's keys in Pulumi's config. */
export const NAMESPACE = "dhis2-siem:";

/** The config of a `Pulumi.STACK.yaml`, read without Pulumi's engine: encrypted values stay unknown. */
export interface StackFile {
  /** The values that are not encrypted, as Pulumi gives them: all texts, objects as JSON, keys without the namespace. */
  readonly values: Readonly<Record<string, string>>;
  /** The keys whose values are encrypted. */
  readonly encrypted: readonly string[];
  /** The names of `deliverySecrets` in plain text. Pulumi treats all of them as secret if one of them is encrypted. */
  readonly plainSecrets: readonly string[];
  readonly lineOf: LineOf;
}

/** Returns the config in the text of a stack's file. It is empty if the text is not YAML: Pulumi itself reports that. */
export function readStackFile(text: string): StackFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const config = document.errors.length > 0 ? undefined : document.get("config", true);
  const entries = isMap(config) ? Object.entries(config.toJSON() as Record<string, unknown>) : [];
  const ownEntries = entries
    .filter(([key]) => key.startsWith(NAMESPACE))
    .map(([key, value]) => [key.slice(NAMESPACE.length), value] as const);
  const isEncrypted = ([, value]: readonly [string, unknown]) => holdsEncrypted(value);
  return {
    values: Object.fromEntries(
      ownEntries
        .filter((entry) => !isEncrypted(entry))
        .map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    ),
    encrypted: ownEntries.filter(isEncrypted).map(([key]) => key),
    plainSecrets: ownEntries
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

/** Like Pulumi: an object is secret if one of its values is encrypted. */
function holdsEncrypted(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "secure" in value || Object.values(value).some(holdsEncrypted);
}
