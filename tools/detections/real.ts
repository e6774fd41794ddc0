import { renderMappings, renderPipelines } from "../../pipelines";
import { realElasticsearch } from "../../tests/support/elasticsearch";
import type { Json } from "./plan";
import type { Search } from "./evaluate";
import type { RawLine } from "./lines";

const DATA_STREAM = "logs-dhis2-detections";
/** Lines and searches go in calls of at most so many. */
const LINES = 2000;
const SEARCHES = 200;

/** Lines in Elasticsearch, as the pipeline makes them. */
export interface PipelineIndex {
  /** Indexes the lines of each; gives the ids that their documents have. */
  add<T extends { readonly lines: readonly RawLine[] }>(
    groups: readonly T[],
  ): Promise<(T & { ids: string[] })[]>;
  readonly search: Search;
}

/** A line as its agent sends it: Filebeat's event, in the shape that 8.19 gives it. */
export function filebeatEvent({ container, type, journal, file, message, ...line }: RawLine): Json {
  return {
    "@timestamp": line["@timestamp"],
    message,
    agent: { type: "filebeat", name: container },
    dhis2: { container: { name: container, type } },
    ...(journal === undefined
      ? { input: { type: "filestream" }, log: { file: { path: file } } }
      : {
          input: { type: "journald" },
          syslog: { identifier: journal },
          systemd: { unit: `${journal}.service` },
        }),
  };
}

/** Does work on an Elasticsearch with the project's pipelines and mappings; takes its documents away afterwards. */
export async function withPipeline<T>(work: (index: PipelineIndex) => Promise<T>): Promise<T> {
  const elasticsearch = await realElasticsearch();
  const { logs, entry } = renderPipelines("detections");
  for (const { name, processors, onFailure } of logs) {
    await elasticsearch.call("PUT", `/_ingest/pipeline/${name}`, {
      processors: processors.map((processor) => JSON.parse(processor) as object),
      ...(onFailure.length > 0 && {
        on_failure: onFailure.map((processor) => JSON.parse(processor) as object),
      }),
    });
  }
  await elasticsearch.call("DELETE", `/${DATA_STREAM}?ignore_unavailable=true`);
  await elasticsearch.call("PUT", `/${DATA_STREAM}`, {
    mappings: renderMappings(),
    settings: { default_pipeline: entry, number_of_replicas: 0 },
  });
  let next = 0;
  try {
    return await work({
      add: async (groups) => {
        const added = groups.map((group) => ({ ...group, ids: group.lines.map(() => `line-${next++}`) }));
        const bulk = added.flatMap(({ ids, lines }) =>
          lines.map((line, index) => [{ create: { _id: ids[index] } }, filebeatEvent(line)]),
        );
        for (let from = 0; from < bulk.length; from += LINES) {
          await elasticsearch.bulk(
            `/${DATA_STREAM}/_bulk?refresh=true`,
            bulk.slice(from, from + LINES).flat(),
          );
        }
        return added;
      },
      search: async (bodies) => {
        const answers: Json[] = [];
        for (let from = 0; from < bodies.length; from += SEARCHES) {
          const lines = bodies.slice(from, from + SEARCHES).flatMap((body) => [{}, body]);
          const { responses } = await elasticsearch.bulk(`/${DATA_STREAM}/_msearch`, lines);
          answers.push(...(responses as Json[]));
        }
        const failed = answers.find((answer) => "error" in answer);
        if (failed !== undefined) throw new Error(`a rule's search failed: ${JSON.stringify(failed.error)}`);
        return answers;
      },
    });
  } finally {
    await elasticsearch.call("DELETE", `/${DATA_STREAM}`);
  }
}
