import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { stableJson } from "../render/json";

/** An ingest pipeline as the provider takes it: each processor a JSON text. */
export interface Pipeline {
  readonly name: string;
  readonly description: string;
  readonly processors: readonly string[];
  readonly onFailure: readonly string[];
}

export interface Field {
  readonly name: string;
  readonly type: "keyword" | "text" | "date" | "long" | "ip" | "stored" | "kept";
  readonly description: string;
}

const KINDS = ["dhis2", "web", "postgresql", "system"] as const;

/** How long a value may be, in characters: a keyword that is longer would not be indexed, and a rule could not count by it. */
const LIMITS: Record<Field["type"], number> = {
  keyword: 1000,
  ip: 100,
  text: 32_000,
  stored: 100_000,
  date: 100,
  long: 100,
  kept: 0,
};

/** What a document's context holds beside the document. */
const METADATA = [
  "_index",
  "_id",
  "_version",
  "_version_type",
  "_routing",
  "_type",
  "_if_seq_no",
  "_if_primary_term",
  "_dynamic_templates",
  "_op_type",
  "_now",
];

const fieldSchema = z.record(
  z.string(),
  z.strictObject({
    type: z.enum(["keyword", "text", "date", "long", "ip", "stored", "kept"]),
    description: z.string(),
  }),
);

const pipelineSchema = z.strictObject({
  description: z.string(),
  processors: z.array(z.record(z.string(), z.record(z.string(), z.unknown()))),
  on_failure: z.array(z.record(z.string(), z.record(z.string(), z.unknown()))).optional(),
});

function read(name: string): string {
  return readFileSync(join(__dirname, name), "utf8");
}

/** The fields of log documents, or of alerts, as `fields.yml` and `alert-fields.yml` define them. */
export function loadFields(of: "logs" | "alerts"): Field[] {
  const fields = fieldSchema.parse(parse(read(of === "logs" ? "fields.yml" : "alert-fields.yml")));
  return Object.entries(fields).map(([name, field]) => ({ name, ...field }));
}

/** What a pipeline's script is given: the fields with their parts, or the paths that an alert keeps of an event. */
function scriptParams(file: string, fields: unknown): object | undefined {
  if (file === "conform") {
    return {
      metadata: METADATA,
      fields: loadFields(fields === "alerts" ? "alerts" : "logs").map(({ name, type }) => ({
        path: name,
        parts: name.split("."),
        type,
        limit: LIMITS[type],
      })),
    };
  }
  if (file === "alertEvents") {
    return { paths: loadFields("logs").map(({ name }) => ({ path: name, parts: name.split(".") })) };
  }
  return undefined;
}

/** One processor of the YAML as Elasticsearch takes it: scripts inlined, other pipelines by their full names. */
function processor(
  entry: Record<string, Record<string, unknown>>,
  fullName: (kind: string) => string,
): string {
  const [[type, options] = ["", {}]] = Object.entries(entry);
  if (type === "script") {
    const { file, fields, ...rest } = options;
    const params = scriptParams(String(file), fields);
    return stableJson({
      script: {
        lang: "painless",
        source: read(`scripts/${String(file)}.painless`),
        ...(params ? { params } : {}),
        ...rest,
      },
    });
  }
  if (type === "pipeline") {
    const { kind, ...rest } = options;
    return stableJson({ pipeline: { name: fullName(String(kind)), ...rest } });
  }
  return stableJson({ [type]: options });
}

/**
 * All pipelines of a namespace: those of the logs, the one that their data stream's documents enter, and the one of
 * alerts. Throws where a file is not as it should be.
 */
export function renderPipelines(namespace: string): { logs: Pipeline[]; entry: string; alerts: Pipeline } {
  const fullName = (kind: string) => `dhis2-siem-${namespace}-${kind}`;
  const load = (kind: string): Pipeline => {
    const parsed = pipelineSchema.safeParse(parse(read(`${kind}.yml`)));
    if (!parsed.success) throw new Error(`pipelines/${kind}.yml: ${z.prettifyError(parsed.error)}`);
    const { description, processors, on_failure = [] } = parsed.data;
    return {
      name: fullName(kind),
      description,
      processors: processors.map((entry) => processor(entry, fullName)),
      onFailure: on_failure.map((entry) => processor(entry, fullName)),
    };
  };
  return { logs: [...KINDS, "logs"].map(load), entry: fullName("logs"), alerts: load("alerts") };
}

const MAPPINGS: Record<Field["type"], object> = {
  keyword: { type: "keyword", ignore_above: 1024 },
  text: { type: "text" },
  date: { type: "date", ignore_malformed: false },
  long: { type: "long", ignore_malformed: true },
  ip: { type: "ip", ignore_malformed: true },
  stored: { type: "keyword", index: false, doc_values: false },
  kept: { type: "object", enabled: false },
};

function mappings(of: "logs" | "alerts"): object {
  const properties: Record<string, unknown> = {};
  for (const { name, type } of loadFields(of)) {
    const parts = name.split(".");
    const last = parts.pop() ?? "";
    let into = properties;
    for (const part of parts) {
      const next = (into[part] ??= { properties: {} }) as { properties: Record<string, unknown> };
      into = next.properties;
    }
    into[last] = name === "@timestamp" ? { type: "date" } : MAPPINGS[type];
  }
  return { dynamic: false, properties };
}

/** The index template's mappings: defined fields only; anything else would not be indexed. */
export function renderMappings(): object {
  return mappings("logs");
}

/** The alert index's mappings. */
export function renderAlertMappings(): object {
  return mappings("alerts");
}
