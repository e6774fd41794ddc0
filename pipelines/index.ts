import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { pipelineName } from "../core/names";
import { stableJson } from "../core/json";
import { ROOT } from "../core/root";
import { attackParams } from "./attacks";
import { DOCUMENT_BYTES, type Documents, loadFields, mappings } from "./fields";
import { LATENESS_MINUTES } from "./lateness";
import { type PipelineFile, shared, sourceParams, sourcePipelines } from "./sources";

export { renderAlertDocument, type AlertingRule } from "./alert-document";
export { type Field, loadFields } from "./fields";

/** An ingest pipeline as the provider expects it: each processor is a JSON text. */
export interface Pipeline {
  readonly name: string;
  readonly description: string;
  readonly processors: readonly string[];
  readonly onFailure: readonly string[];
}

/** The pipeline that every log line enters. */
const ENTRY = "logs";
/** The pipeline of alerts. */
const ALERTS = "alerts";
/** Pipelines of this folder that the entry pipeline calls and no source names. */
const SHARED = ["json"];

/** The keys of a script's `ctx` that are not fields of the document. */
const METADATA =
  "_index _id _version _version_type _routing _type _if_seq_no _if_primary_term _dynamic_templates _op_type _now".split(
    " ",
  );

/** The parts of an event that scripts/normalise.painless writes itself. All others are removed, whatever they are. */
const KEPT = "@timestamp message event dhis2 host ecs log _tmp".split(" ");

const processors = z.array(z.record(z.string(), z.record(z.string(), z.unknown())));
const schema = z.strictObject({ description: z.string(), processors, on_failure: processors.optional() });
type Processor = z.output<typeof processors>[number];

const paths = (of: Documents) =>
  loadFields(of).map(({ name, type, limit }) => ({ path: name, parts: name.split("."), type, limit }));

/** The tags, the time, and what JSON has around all values: bytes of a document beside those of its fields. */
const OVERHEAD_BYTES = 400;

/**
 * How many characters of a line are read: the first three quarters and the last one. Painless ends a loop after a million rounds.
 * A longer line is not a request: nginx and apache2 accept less.
 */
export const READ_CHARACTERS = 900_000;

/** Returns the params of the last step. The smallest fields come first: a long text must not take the place of an address. */
function conformParams(of: Documents): object {
  const original = loadFields(of).find(({ name }) => name === "event.original");
  return {
    metadata: METADATA,
    fields: paths(of).sort((a, b) => a.limit - b.limit),
    bytes: DOCUMENT_BYTES[of] - OVERHEAD_BYTES,
    original: original?.limit ?? 0,
  };
}

/** Returns the params of a script, in addition to those in the YAML file. */
function scriptParams(file: string, fields: unknown, lateness: number): object {
  switch (file) {
    case "conform":
      return conformParams(fields === "alerts" ? "alerts" : "logs");
    case "attack":
      return attackParams();
    case "alert":
      return { paths: paths("logs") };
    case "mark":
      return { lateness };
    case "normalise":
      return { ...sourceParams(), metadata: METADATA, keep: KEPT, read: READ_CHARACTERS };
    default:
      return {};
  }
}

/** What is needed to make processors for Elasticsearch from the entries of a YAML file. */
interface Rendering {
  readonly fullName: (name: string) => string;
  readonly lateness: number;
  /** The folder of the YAML file. Its scripts are there, or in `scripts/` of this folder. */
  readonly folder: string;
}

function script(name: string, folder: string): string {
  const own = join(folder, `${name}.painless`);
  return readFileSync(existsSync(own) ? own : join(__dirname, "scripts", `${name}.painless`), "utf8");
}

/** Returns the processors of one entry of the YAML file: with the scripts' sources, and the full names of other pipelines. */
function render(entry: Processor, { fullName, lateness, folder }: Rendering): string[] {
  const [[type, options] = ["", {}]] = Object.entries(entry);
  switch (type) {
    case "script": {
      const { file, fields, params = {}, ...rest } = options;
      const all = { ...(params as object), ...scriptParams(String(file), fields, lateness) };
      const source = script(String(file), folder);
      return [
        stableJson({
          script: { lang: "painless", source, ...(Object.keys(all).length > 0 && { params: all }), ...rest },
        }),
      ];
    }
    case "pipeline": {
      const { name, ...rest } = options;
      return [stableJson({ pipeline: { name: fullName(String(name)), ...rest } })];
    }
    case "source_pipelines":
      return sourcePipelines().map(({ name }) =>
        stableJson({ pipeline: { name: fullName(name), if: `ctx._tmp.pipeline == '${name}'` } }),
      );
    default:
      return [stableJson({ [type]: options })];
  }
}

/**
 * Returns all pipelines of a namespace: those of log lines (the entry pipeline is the last, because it calls the others), the name of
 * the entry pipeline, and the pipeline of alerts. Throws if a file is invalid.
 * @param lateness lines that arrive more than this many minutes after they were written get the tag `late`
 */
export function renderPipelines(
  namespace: string,
  lateness: number = LATENESS_MINUTES,
): { logs: Pipeline[]; entry: string; alerts: Pipeline } {
  const fullName = (name: string) => pipelineName(namespace, name);
  const load = ({ name, file }: PipelineFile): Pipeline => {
    const parsed = schema.safeParse(parse(readFileSync(file, "utf8")));
    if (!parsed.success) throw new Error(`${relative(ROOT, file)}: ${z.prettifyError(parsed.error)}`);
    const { description, processors, on_failure = [] } = parsed.data;
    const rendering = { fullName, lateness, folder: dirname(file) };
    return {
      name: fullName(name),
      description,
      processors: processors.flatMap((entry) => render(entry, rendering)),
      onFailure: on_failure.flatMap((entry) => render(entry, rendering)),
    };
  };
  const logs = [...sourcePipelines(), ...[...SHARED, ENTRY].map(shared)];
  return { logs: logs.map(load), entry: fullName(ENTRY), alerts: load(shared(ALERTS)) };
}

/** Returns the mappings of the log stream's index template. */
export function renderMappings(): object {
  return mappings("logs");
}

/**
 * Returns the alert index's mappings. `dynamic` is a text, because an index returns it as a text (a template does not) and the
 * provider compares what it sent with what it reads back.
 */
export function renderAlertMappings(): object {
  return { ...mappings("alerts"), dynamic: "false" };
}
