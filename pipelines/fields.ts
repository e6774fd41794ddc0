import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const type = z.enum(["keyword", "text", "date", "long", "ip", "flattened", "stored", "kept"]);

const schema = z.record(
  z.string(),
  z.strictObject({ type, description: z.string(), limit: z.int().max(8000).optional() }),
);

/** A field of the documents. Its mapping, the pipelines' last step and the docs are made from it. */
export interface Field {
  readonly name: string;
  readonly type: z.output<typeof type>;
  readonly description: string;
  /** Longer values are cut to this many characters. */
  readonly limit: number;
}

/** The two types of documents: log lines and alerts. */
export type Documents = "logs" | "alerts";

/**
 * Keywords are cut to their limit: Elasticsearch stores a longer keyword without indexing it, and a rule would not find it. Lucene's
 * own limit is 32,766 bytes, which 8,000 characters never exceed. Other values are not cut.
 */
const KEYWORD_LIMIT = 1000;
const UNLIMITED = 2 ** 30;

const FILES: Record<Documents, string> = { logs: "fields.yml", alerts: "alert-fields.yml" };

/** Returns the fields that the file of these documents defines. Throws if the file is invalid. */
export function loadFields(of: Documents): Field[] {
  const parsed = schema.safeParse(parse(readFileSync(join(__dirname, FILES[of]), "utf8")));
  if (!parsed.success) throw new Error(`pipelines/${FILES[of]}: ${z.prettifyError(parsed.error)}`);
  return Object.entries(parsed.data).map(([name, field]) => ({
    limit: field.type === "keyword" ? KEYWORD_LIMIT : UNLIMITED,
    ...field,
    name,
  }));
}

/** Returns how Elasticsearch indexes a field. With these settings no value makes Elasticsearch reject the document. */
function mapping({ name, type, limit }: Field): object {
  switch (type) {
    case "keyword":
      return { type, ignore_above: limit };
    case "date":
      // A data stream does not allow ignore_malformed for its time. The pipelines' last step makes the time valid.
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

/** Returns the mappings of an index: the defined fields, and no others. */
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
