/**
 * `npm run bench:rules`: measures each rule's search over 200,000 requests that a proxy logged within a quarter of an hour, nearly
 * all from different addresses. The query cache is off, because it does not contain new lines either. It prints the median, and
 * its ratio to the cheapest rule's.
 */
import { loadDetections } from "../../detections";
import { median } from "./measure";
import { renderMappings } from "../../pipelines";
import { renderQuery } from "../../render/rule";
import { type RealElasticsearch, realElasticsearch } from "../../commands/elasticsearch";

const INDEX = "bench-rules";
const REQUESTS = 200_000;
const BATCH = 5000;
const RUNS = 7;
const WINDOW_SECONDS = 900;

/** Requests as DHIS2's apps send them; `n` makes each one different. */
const PATHS: readonly ((n: string) => string)[] = [
  (n) => `/dhis/api/41/dataValues?de=de${n}&pe=202401&ou=ou${n}&co=co${n}`,
  (n) => `/dhis/api/analytics?dimension=dx:${n};in${n}&dimension=pe:LAST_12_MONTHS&filter=ou:${n}`,
  (n) => `/dhis/dhis-web-dashboard/static/js/main.${n}.js`,
  () => "/dhis/api/me?fields=id,username",
  (n) => `/dhis/api/organisationUnits/${n}?fields=id,displayName,path,children[id]`,
];

function request(at: number, start: number): object {
  const original = PATHS[at % PATHS.length]?.(((at * 2_654_435_761) % 2 ** 32).toString(36)) ?? "";
  const time = new Date(start - (at % WINDOW_SECONDS) * 1000).toISOString();
  return {
    "@timestamp": time,
    event: { ingested: time, dataset: "nginx.access", outcome: "success" },
    url: { original, path: original.split("?")[0] },
    source: { ip: `10.0.${at % 200}.${at % 250}` },
    http: { request: { method: "GET" }, response: { status_code: 200 } },
    user_agent: { original: `Mozilla/5.0 (X11; Linux x86_64) Firefox/${at % 400}` },
  };
}

async function fill(elasticsearch: RealElasticsearch, start: number): Promise<void> {
  await elasticsearch.call("DELETE", `/${INDEX}?ignore_unavailable=true`);
  await elasticsearch.call("PUT", `/${INDEX}`, {
    mappings: renderMappings(),
    settings: { number_of_replicas: 0, refresh_interval: "-1", "index.queries.cache.enabled": false },
  });
  for (let from = 0; from < REQUESTS; from += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, at) => [{ create: {} }, request(from + at, start)]);
    await elasticsearch.bulk(`/${INDEX}/_bulk`, lines.flat());
  }
  await elasticsearch.call("POST", `/${INDEX}/_forcemerge?max_num_segments=4`);
  await elasticsearch.call("POST", `/${INDEX}/_refresh`);
}

/** Returns how long Elasticsearch searches for a condition in the whole window: the median, in milliseconds. */
async function cost(elasticsearch: RealElasticsearch, lucene: string, start: number): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run += 1) {
    const since = new Date(start - WINDOW_SECONDS * 1000 - run).toISOString();
    const { took } = await elasticsearch.call("POST", `/${INDEX}/_search?request_cache=false`, {
      size: 0,
      track_total_hits: true,
      query: { bool: { filter: [renderQuery(lucene), { range: { "event.ingested": { gte: since } } }] } },
      aggs: { groups: { terms: { field: "source.ip", size: 100 } } },
    });
    // The first run only warms up.
    if (run > 0) times.push(Number(took));
  }
  return median(times);
}

async function main(): Promise<void> {
  const elasticsearch = await realElasticsearch();
  const start = Date.now();
  await fill(elasticsearch, start);
  const costs: { name: string; ms: number }[] = [];
  for (const { name, logic } of loadDetections().detections) {
    if (logic.kind !== "event" && logic.kind !== "count") continue;
    costs.push({ name, ms: await cost(elasticsearch, logic.condition.lucene, start) });
  }
  await elasticsearch.call("DELETE", `/${INDEX}`);
  costs.sort((a, b) => b.ms - a.ms);
  const least = Math.max(1, costs.at(-1)?.ms ?? 1);
  for (const { name, ms } of costs) {
    console.log(`${name.padEnd(40)} ${String(ms).padStart(5)} ms  x${(ms / least).toFixed(0)}`);
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
