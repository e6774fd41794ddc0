import { alertIndexName, dataStreamName } from "../../core/names";
import type { Json } from "../../core/json";
import { type Pipeline, renderAlertMappings, renderMappings, renderPipelines } from "../../pipelines";
import type { RealElasticsearch } from ".";

/** Returns a pipeline as the body of Elasticsearch's request that creates it. */
export function pipelineBody({ description, processors, onFailure }: Pipeline): object {
  const parsed = (texts: readonly string[]) => texts.map((text) => JSON.parse(text) as object);
  return {
    description,
    processors: parsed(processors),
    ...(onFailure.length > 0 && { on_failure: parsed(onFailure) }),
  };
}

/** Limits of the delay, in minutes. With the first, no line is late, although test lines are years old; with the second, every line is. */
export const NEVER_LATE = 1e9;
export const ALWAYS_LATE = -1e9;

/**
 * Creates a namespace's pipelines in Elasticsearch. Returns the names of the pipelines that lines and alerts enter.
 * @param lateness the limit of the delay, in minutes (pipelines/lateness.ts)
 */
export async function putPipelines(
  elasticsearch: RealElasticsearch,
  namespace: string,
  lateness: number = NEVER_LATE,
): Promise<{ entry: string; alerts: string }> {
  const { logs, entry, alerts } = renderPipelines(namespace, lateness);
  for (const pipeline of [...logs, alerts]) {
    await elasticsearch.call("PUT", `/_ingest/pipeline/${pipeline.name}`, pipelineBody(pipeline));
  }
  return { entry, alerts: alerts.name };
}

/**
 * Prepares an empty log stream as on a site: a data stream with the project's pipelines and mappings. Returns its name.
 * Elasticsearch creates the stream with its first document.
 * @param lateness the limit of the delay, in minutes (pipelines/lateness.ts)
 */
export async function putLogStream(
  elasticsearch: RealElasticsearch,
  namespace: string,
  lateness?: number,
): Promise<string> {
  const { entry } = await putPipelines(elasticsearch, namespace, lateness);
  const name = dataStreamName(namespace);
  await dropLogStream(elasticsearch, namespace);
  await elasticsearch.call("PUT", `/_index_template/${name}`, {
    index_patterns: [name],
    priority: 500,
    data_stream: {},
    template: {
      mappings: renderMappings(),
      settings: { final_pipeline: entry, number_of_replicas: 0, number_of_shards: 1 },
    },
  });
  return name;
}

/** Deletes a log stream. If the server has no API for data streams, as the assembled one, it deletes all documents instead. */
export async function dropLogStream(elasticsearch: RealElasticsearch, namespace: string): Promise<void> {
  const name = dataStreamName(namespace);
  try {
    await elasticsearch.call("DELETE", `/_data_stream/${name}`);
  } catch (error) {
    if (!/: 40[45] /.test(String(error))) throw error;
    const options = "refresh=true&conflicts=proceed&ignore_unavailable=true&allow_no_indices=true";
    await elasticsearch.call("POST", `/${name}/_delete_by_query?${options}`, { query: { match_all: {} } });
  }
}

/** Creates an empty alert index as on a site, in place of an older one. Returns its name. */
export async function putAlertIndex(elasticsearch: RealElasticsearch, namespace: string): Promise<string> {
  const { alerts } = await putPipelines(elasticsearch, namespace);
  const name = alertIndexName(namespace);
  await elasticsearch.call("DELETE", `/${name}?ignore_unavailable=true`);
  const settings = { default_pipeline: alerts, number_of_replicas: 0 };
  await elasticsearch.call("PUT", `/${name}`, { mappings: renderAlertMappings(), settings });
  return name;
}

/** Returns the documents as the pipeline changes them, in the same order. Throws an Error if the pipeline rejects a document. */
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

/** Returns a document with one level of dotted names, sorted. Lists stay as they are. */
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
