import { realElasticsearch } from "../elasticsearch";
import { ALWAYS_LATE, dropLogStream, putLogStream } from "../elasticsearch/pipelines";
import { filebeatEvents } from "../parse/filebeat";
import type { Json } from "../../core/json";
import type { Search } from "./evaluate";
import type { RawLine } from "./lines";

/** The most lines, and the most searches, in one request. */
const LINES = 2000;
const SEARCHES = 200;

/** A log stream in Elasticsearch, with the project's pipelines. */
export interface PipelineIndex {
  /** Indexes the lines of each group. Returns the groups with the ids of their documents. */
  add<T extends { readonly lines: readonly RawLine[] }>(
    groups: readonly T[],
  ): Promise<(T & { ids: string[] })[]>;
  readonly search: Search;
}

/** Creates a namespace's log stream in Elasticsearch, returns the result of `work` with it, and deletes the stream afterwards. */
export async function withPipeline<T>(
  work: (index: PipelineIndex) => Promise<T>,
  namespace = "detections",
): Promise<T> {
  const elasticsearch = await realElasticsearch();
  const stream = await putLogStream(elasticsearch, namespace);
  const late = await putLogStream(elasticsearch, `${namespace}-late`, ALWAYS_LATE);
  let next = 0;
  try {
    return await work({
      add: async (groups) => {
        const added = groups.map((group) => ({ ...group, ids: group.lines.map(() => `line-${next++}`) }));
        const bulk = added.flatMap(({ ids, lines }) =>
          lines.map((line, index) => [
            { create: { _index: line.late ? late : stream, _id: ids[index] } },
            filebeatEvents(line)["8.19"],
          ]),
        );
        for (let from = 0; from < bulk.length; from += LINES) {
          await elasticsearch.bulk("/_bulk?refresh=true", bulk.slice(from, from + LINES).flat());
        }
        return added;
      },
      search: async (bodies) => {
        const answers: Json[] = [];
        for (let from = 0; from < bodies.length; from += SEARCHES) {
          const lines = bodies.slice(from, from + SEARCHES).flatMap((body) => [{}, body]);
          const { responses } = await elasticsearch.bulk(`/${stream}*/_msearch`, lines);
          answers.push(...(responses as Json[]));
        }
        const failed = answers.find((answer) => "error" in answer);
        if (failed !== undefined) throw new Error(`a rule's search failed: ${JSON.stringify(failed.error)}`);
        return answers;
      },
    });
  } finally {
    await dropLogStream(elasticsearch, namespace);
    await dropLogStream(elasticsearch, `${namespace}-late`);
  }
}
