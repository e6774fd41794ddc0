import { type Pipeline, renderPipelines } from "../../pipelines";
import type { RealElasticsearch } from "./elasticsearch";

type Json = Record<string, unknown>;

/** The body that Elasticsearch takes for a pipeline. */
export function pipelineBody({ description, processors, onFailure }: Pipeline): object {
  const parsed = (texts: readonly string[]) => texts.map((text) => JSON.parse(text) as object);
  return {
    description,
    processors: parsed(processors),
    ...(onFailure.length > 0 && { on_failure: parsed(onFailure) }),
  };
}

/** Puts a namespace's pipelines into Elasticsearch; gives the names of those that lines and alerts enter. */
export async function putPipelines(
  elasticsearch: RealElasticsearch,
  namespace: string,
): Promise<{ entry: string; alerts: string }> {
  const { logs, entry, alerts } = renderPipelines(namespace);
  for (const pipeline of [...logs, alerts]) {
    await elasticsearch.call("PUT", `/_ingest/pipeline/${pipeline.name}`, pipelineBody(pipeline));
  }
  return { entry, alerts: alerts.name };
}

/** What a pipeline makes of documents. Throws where it rejects one. */
export async function simulate(
  elasticsearch: RealElasticsearch,
  pipeline: string,
  documents: readonly object[],
): Promise<Json[]> {
  if (documents.length === 0) return [];
  const answer = await elasticsearch.call("POST", `/_ingest/pipeline/${pipeline}/_simulate`, {
    docs: documents.map((_source) => ({ _source })),
  });
  return (answer.docs as { doc?: { _source: Json }; error?: unknown }[]).map(({ doc, error }) => {
    if (doc === undefined) throw new Error(`a document was rejected: ${JSON.stringify(error)}`);
    return doc._source;
  });
}

/** A document as one level of dotted names, sorted; lists stay. */
export function flat(document: object): Json {
  const found: [string, unknown][] = [];
  const walk = (value: object, prefix: string) => {
    for (const [key, item] of Object.entries(value) as [string, unknown][]) {
      if (item !== null && typeof item === "object" && !Array.isArray(item)) walk(item, `${prefix}${key}.`);
      else found.push([prefix + key, item]);
    }
  };
  walk(document, "");
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}
