import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { stableJson } from "../core/json";
import { type Documents, loadFields, mappings } from "./fields";
import { LATENESS_MINUTES } from "./lateness";

export { renderAlertDocument, type AlertingRule } from "./alert-document";
export { type Field, loadFields } from "./fields";

/** An ingest pipeline as the provider takes it: each processor a JSON text. */
export interface Pipeline {
  readonly name: string;
  readonly description: string;
  readonly processors: readonly string[];
  readonly onFailure: readonly string[];
}

/** The kinds of lines, each with a pipeline of its own; the entry's calls them. */
const KINDS = ["dhis2", "web", "postgresql", "system", "json"];
const ENTRY = "logs";

/** What a document's context holds beside the document. */
const METADATA =
  "_index _id _version _version_type _routing _type _if_seq_no _if_primary_term _dynamic_templates _op_type _now".split(
    " ",
  );

const processors = z.array(z.record(z.string(), z.record(z.string(), z.unknown())));
const schema = z.strictObject({ description: z.string(), processors, on_failure: processors.optional() });
type Processor = z.output<typeof processors>[number];

function read(name: string): string {
  return readFileSync(join(__dirname, name), "utf8");
}

const paths = (of: Documents) =>
  loadFields(of).map(({ name, type, limit }) => ({ path: name, parts: name.split("."), type, limit }));

/** What scripts are told beside what the YAML says. */
function scriptParams(file: string, fields: unknown, lateness: number): object {
  switch (file) {
    case "conform":
      return { metadata: METADATA, fields: paths(fields === "alerts" ? "alerts" : "logs") };
    case "alert":
      return { paths: paths("logs") };
    case "mark":
      return { lateness };
    default:
      return {};
  }
}

/** One processor of the YAML as Elasticsearch takes it: scripts inlined, other pipelines by their full names. */
function render(entry: Processor, fullName: (kind: string) => string, lateness: number): string {
  const [[type, options] = ["", {}]] = Object.entries(entry);
  if (type === "script") {
    const { file, fields, params = {}, ...rest } = options;
    const all = { ...(params as object), ...scriptParams(String(file), fields, lateness) };
    return stableJson({
      script: {
        lang: "painless",
        source: read(`scripts/${String(file)}.painless`),
        ...(Object.keys(all).length > 0 && { params: all }),
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
 * All pipelines of a namespace: those of the logs (the entry's last, as it calls the others), the name of the one that
 * the data stream's documents enter, and the one of alerts. Lines that come more than `lateness` minutes after they were
 * written are tagged. Throws where a file is not as it should be.
 */
export function renderPipelines(
  namespace: string,
  lateness: number = LATENESS_MINUTES,
): { logs: Pipeline[]; entry: string; alerts: Pipeline } {
  const fullName = (kind: string) => `dhis2-siem-${namespace}-${kind}`;
  const load = (kind: string): Pipeline => {
    const parsed = schema.safeParse(parse(read(`${kind}.yml`)));
    if (!parsed.success) throw new Error(`pipelines/${kind}.yml: ${z.prettifyError(parsed.error)}`);
    const { description, processors, on_failure = [] } = parsed.data;
    return {
      name: fullName(kind),
      description,
      processors: processors.map((entry) => render(entry, fullName, lateness)),
      onFailure: on_failure.map((entry) => render(entry, fullName, lateness)),
    };
  };
  return { logs: [...KINDS, ENTRY].map(load), entry: fullName(ENTRY), alerts: load("alerts") };
}

/** The mappings of the log stream's index template. */
export function renderMappings(): object {
  return mappings("logs");
}

/**
 * The alert index's mappings. An index gives `dynamic` back as a text (a template does not), and the provider compares
 * what it sent with what it reads.
 */
export function renderAlertMappings(): object {
  return { ...mappings("alerts"), dynamic: "false" };
}
