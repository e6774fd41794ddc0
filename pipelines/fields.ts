import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const type = z.enum(["keyword", "text", "date", "long", "ip", "flattened", "stored", "kept"]);

const schema = z.record(
  z.string(),
  z.strictObject({ type, description: z.string(), limit: z.int().min(64).max(8000).optional() }),
);

/** A field of the documents. Its mapping, the pipelines' last step and the docs are made from it. */
export interface Field {
  readonly name: string;
  readonly type: z.output<typeof type>;
  readonly description: string;
  /** The bytes that the value has at most, as JSON; of a list or an object, all its values together. Longer values are cut. */
  readonly limit: number;
}

/** The two types of documents: log lines and alerts. */
export type Documents = "logs" | "alerts";

/**
 * How many bytes a document has at most, as JSON (docs/security.md: "What bounds the load"). The rules' searches return whole documents, so this
 * bounds their answers. An alert contains some of these.
 */
export const DOCUMENT_BYTES: Record<Documents, number> = { logs: 8192, alerts: 131_072 };

/**
 * Elasticsearch stores a keyword that is longer than its limit without indexing it, and a rule would not find it; so longer ones are
 * cut. Lucene's own limit is 32,766 bytes. Texts that this project wrote itself (in alerts) have no limit.
 */
const LIMIT: Record<Documents, number> = { logs: 512, alerts: 1000 };
const UNLIMITED = 2 ** 30;

const FILES: Record<Documents, string> = { logs: "fields.yml", alerts: "alert-fields.yml" };

/** Returns the fields that the file of these documents defines. Throws if the file is invalid. */
export function loadFields(of: Documents): Field[] {
  const parsed = schema.safeParse(parse(readFileSync(join(__dirname, FILES[of]), "utf8")));
  if (!parsed.success) throw new Error(`pipelines/${FILES[of]}: ${z.prettifyError(parsed.error)}`);
  return Object.entries(parsed.data).map(([name, field]) => ({
    limit: of === "logs" || field.type === "keyword" ? LIMIT[of] : UNLIMITED,
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
      return { type, ignore_above: limit };
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
