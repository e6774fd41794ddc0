/**
 * `npm run -s bench:pipeline [-- DOCUMENTS]`: compares how fast Elasticsearch indexes lines with the pipelines and without
 * them. Both are measured alternately in one run, so that the machine's load is the same for both.
 */
import { median, seconds } from "./measure";
import { renderMappings } from "../../pipelines";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { putPipelines } from "../../commands/elasticsearch/pipelines";
import { filebeatEvents } from "../../commands/parse/filebeat";

const BULK = 2000;
const ROUNDS = 5;
const HASH = "0123456789abcdef".repeat(4);

const AUTHENTICATION = (n: number) =>
  n % 3 === 0
    ? `Authentication event: AuthenticationSuccessEvent; username: user${n % 97}; ip: 197.210.1.${n % 250}; sessionId: ${HASH}`
    : `Authentication event: AuthenticationFailureBadCredentialsEvent; username: user${n % 97}@moh.gov; exception: Bad credentials`;

/** Returns a line of each kind from its number. */
const KINDS: Record<string, (n: number) => { type: string; journal: string; message: string }> = {
  authentication: (n) => ({
    type: "dhis2",
    journal: "tomcat9",
    message: `* INFO  2024-03-01T10:11:12,345 ${AUTHENTICATION(n)} (AuthenticationLoggerListener.java [tomcat-http-${n % 40}])`,
  }),
  access: (n) => ({
    type: "nginx_proxy",
    journal: "nginx_access",
    message: `197.210.${n % 7}.${n % 250} - - [01/Mar/2024:10:11:12 +0000] "GET /dhis/api/dataElements/${n % 1009}?fields=id,name HTTP/1.1" ${n % 11 === 0 ? 401 : 200} ${n} "https://dhis2.example.org/dhis/" "Mozilla/5.0 (X11; Linux x86_64; rv:122.0) Gecko/20100101 Firefox/122.0"`,
  }),
};

/** Returns how many documents are indexed in a second into a new index. Default of `mappings`: Elasticsearch's dynamic ones. */
async function speed(
  elasticsearch: RealElasticsearch,
  bulks: readonly object[][],
  settings: object,
  mappings?: object,
): Promise<number> {
  const index = "bench-pipeline";
  await elasticsearch.call("DELETE", `/${index}?ignore_unavailable=true`);
  await elasticsearch.call("PUT", `/${index}`, {
    settings: { number_of_replicas: 0, refresh_interval: "-1", ...settings },
    ...(mappings && { mappings }),
  });
  const took = await seconds(async () => {
    for (const bulk of bulks) await elasticsearch.bulk(`/${index}/_bulk`, bulk);
  });
  await elasticsearch.call("DELETE", `/${index}`);
  return (bulks.length * BULK) / took;
}

async function main(): Promise<void> {
  const wanted = Number(process.argv[2] ?? 20_000);
  const elasticsearch = await realElasticsearch();
  const { entry } = await putPipelines(elasticsearch, "bench");
  for (const [kind, line] of Object.entries(KINDS)) {
    const bulks = Array.from({ length: Math.ceil(wanted / BULK) }, (_, part) =>
      Array.from({ length: BULK }, (__, at) => {
        const event = { "@timestamp": "2024-03-01T10:11:12.000Z", container: "c", ...line(part * BULK + at) };
        return [{ create: {} }, filebeatEvents(event)["8.19"]];
      }).flat(),
    );
    const ways = {
      "no pipeline": () => speed(elasticsearch, bulks, {}),
      "no pipeline, our mappings": () => speed(elasticsearch, bulks, {}, renderMappings()),
      "the pipelines": () => speed(elasticsearch, bulks, { final_pipeline: entry }, renderMappings()),
    };
    const found = Object.fromEntries(Object.keys(ways).map((way) => [way, [] as number[]]));
    // The first round only warms up.
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [way, run] of Object.entries(ways)) {
        const documents = await run();
        if (round > 0) found[way]?.push(documents);
      }
    }
    const piped = median(found["the pipelines"] ?? []);
    console.log(`${kind}, documents a second (median of ${ROUNDS}):`);
    for (const [way, speeds] of Object.entries(found)) {
      const ratio = (piped / median(speeds)).toFixed(2);
      const beside = way === "the pipelines" ? "" : `; the pipelines reach ${ratio} of it`;
      console.log(`  ${way.padEnd(26)} ${Math.round(median(speeds))}${beside}`);
    }
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
