import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const type = z.enum(["keyword", "text", "date", "long", "ip", "flattened", "stored", "kept"]);

const schema = z.record(
  z.string(),
  z.strictObject({ type, description: z.string(), limit: z.int().max(8000).optional() }),
);

/** A field of the documents: what its mapping, the pipelines' last step and the docs are made of. */
export interface Field {
  readonly name: string;
  readonly type: z.output<typeof type>;
  readonly description: string;
  /** How many characters of a value are kept. */
  readonly limit: number;
}

/** Which documents: lines, or alerts. */
export type Documents = "logs" | "alerts";

/**
 * A keyword that is longer than its mapping takes would be kept and not indexed, and a rule would not see it: so it is cut.
 * Lucene takes 32,766 bytes, which 8,000 characters never exceed. The others are kept whole.
 */
const KEYWORD_LIMIT = 1000;
const WHOLE = 2 ** 30;

const FILES: Record<Documents, string> = { logs: "fields.yml", alerts: "alert-fields.yml" };

/** The fields as their file defines them. Throws where the file is not as it should be. */
export function loadFields(of: Documents): Field[] {
  const parsed = schema.safeParse(parse(readFileSync(join(__dirname, FILES[of]), "utf8")));
  if (!parsed.success) throw new Error(`pipelines/${FILES[of]}: ${z.prettifyError(parsed.error)}`);
  return Object.entries(parsed.data).map(([name, field]) => ({
    limit: field.type === "keyword" ? KEYWORD_LIMIT : WHOLE,
    ...field,
    name,
  }));
}

/** How Elasticsearch indexes a field. Nothing that a value may be makes it refuse the document. */
function mapping({ name, type, limit }: Field): object {
  switch (type) {
    case "keyword":
      return { type, ignore_above: limit };
    case "date":
      // A data stream's time may not be malformed; the pipelines' last step sees to it.
      return name === "@timestamp" ? { type } : { type, ignore_malformed: true };
    case "long":
    case "ip":
      return { type, ignore_malformed: true };
    case "flattened":
      return { type, ignore_above: KEYWORD_LIMIT };
    case "stored":
      return { type: "keyword", index: false, doc_values: false };
    case "kept":
      return { type: "object", enabled: false };
    case "text":
      return { type };
  }
}

/** The mappings of an index: the defined fields, and no others. */
export function mappings(of: Documents): object {
  const properties: Record<string, unknown> = {};
  for (const field of loadFields(of)) {
    const parts = field.name.split(".");
    const last = parts.pop() ?? "";
    let into = properties;
    for (const part of parts) {
      const next = (into[part] ??= { properties: {} }) as { properties: Record<string, unknown> };
      into = next.properties;
    }
    into[last] = mapping(field);
  }
  return { dynamic: false, properties };
}
