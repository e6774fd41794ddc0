import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { Json } from "../../core/json";
import { createHash } from "node:crypto";
import { loadFields, renderMappings } from "../../pipelines";
import { filebeatEvents } from "../../commands/parse/filebeat";
import { readLogLines } from "../../commands/parse/lines";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { SOURCES } from "../../machines";
import { samplesOf } from "../../sources";
import { putPipelines, simulate } from "../../commands/elasticsearch/pipelines";

const SEED = 20240301;
const INDEX = "pipeline-fuzz";
const BULK = 1000;
const ORIGINAL_BYTES = loadFields("logs").find(({ name }) => name === "event.original")?.limit ?? 0;

const lines = SOURCES.flatMap(samplesOf).flatMap(({ lines: file }) =>
  readLogLines(readFileSync(file, "utf8")),
);

const text = fc.string({ unit: "binary", maxLength: 60 });
const piece = fc.oneof(
  text,
  fc.constantFrom(
    ...'; ip: |; exception: |; sessionId: | (|[|])|] "|" |"|\\|{|}|{{|:  |=|\t|\n|\0| from | port |USER=|COMMAND=| : |, client: |[client |%|%2|%2e|;|//|/./|user "|* INFO |(to '.split(
      "|",
    ),
  ),
);

/** A line with a part of it taken away, doubled, or something put in. */
const mutated = fc
  .record({
    line: fc.constantFrom(...lines),
    cuts: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(12), piece), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ line, cuts }) => {
    const message = cuts.reduce((given, [where, length, put]) => {
      const at = Math.floor(where * given.length);
      return given.slice(0, at) + put + given.slice(at + length);
    }, line.message);
    // A cut may go through a character of two parts; Filebeat sends none such.
    return { ...line, message: Buffer.from(message).toString() };
  });
const random = fc
  .tuple(fc.constantFrom(...lines), fc.string({ unit: "binary", maxLength: 300 }))
  .map(([line, message]) => ({
    ...line,
    message,
  }));

/** A document of any shape: what no agent of ours sends. */
const misshapen = fc
  .record({
    event: mutated.map((line) => filebeatEvents(line)["8.19"]),
    wrong: fc.dictionary(
      fc.constantFrom(
        ..."@timestamp agent dhis2 ecs error event host http json log message process service source syslog systemd tags url user user_agent _tmp a.b".split(
          " ",
        ),
      ),
      fc.jsonValue({ maxDepth: 4, noUnicodeString: false }),
    ),
  })
  .map(({ event, wrong }): Json => ({ ...event, ...wrong }));

describe("10,000 generated and mutated lines", function () {
  this.timeout(600_000);
  let elasticsearch: RealElasticsearch;
  before(async () => {
    elasticsearch = await realElasticsearch();
    const { entry } = await putPipelines(elasticsearch, "fuzz");
    await elasticsearch.call("DELETE", `/${INDEX}?ignore_unavailable=true`);
    await elasticsearch.call("PUT", `/${INDEX}`, {
      mappings: renderMappings(),
      settings: { final_pipeline: entry, number_of_replicas: 0 },
    });
  });
  after(() => elasticsearch.call("DELETE", `/${INDEX}`));

  /** Indexes documents; gives back what became of each, in order. Throws where one is refused. */
  async function index(documents: readonly Json[]): Promise<Json[]> {
    const found: Json[] = [];
    for (let from = 0; from < documents.length; from += BULK) {
      const part = documents.slice(from, from + BULK);
      const body = part.flatMap((document, at) => [{ create: { _id: `${from + at}` } }, document]);
      await elasticsearch.bulk(`/${INDEX}/_bulk?refresh=true`, body);
      const ids = part.map((_, at) => `${from + at}`);
      const { docs } = await elasticsearch.call("POST", `/${INDEX}/_mget`, { ids });
      found.push(...(docs as { _source: Json }[]).map(({ _source }) => _source));
    }
    return found;
  }

  it("are all taken, kept as they came, and fail no pipeline; nor do documents of any shape get lost", async () => {
    const arbitrary = fc.oneof({ weight: 6, arbitrary: mutated }, { weight: 2, arbitrary: random });
    const written = fc.sample(arbitrary, { seed: SEED, numRuns: 8000 });
    const shapeless = fc.sample(misshapen, { seed: SEED, numRuns: 2000 });
    const events = written.map((line, at) => filebeatEvents(line)[at % 2 === 0 ? "7.17" : "8.19"]);
    const documents = await index([...events, ...shapeless]);
    assert.equal(documents.length, 10_000);
    documents.forEach((document, at) => {
      const { original, ingested, dataset } = document.event as Json;
      const given = written[at];
      assert.ok(document["@timestamp"] && ingested && dataset, JSON.stringify(document));
      if (given === undefined) return;
      assert.equal(original, given.message === "" ? undefined : given.message);
      assert.equal(document.error, undefined, `${JSON.stringify(given)}: ${JSON.stringify(document.error)}`);
    });
    const failed = documents.filter(({ error }) => error !== undefined);
    assert.deepEqual(failed.slice(0, 3), []);
  });

  it("of extreme forms too", async () => {
    const audit = (data: string) =>
      `* INFO  2024-03-01T10:11:12,345 {"auditType":"UPDATE","klass":"k","data":${data}} (AbstractAuditConsumer.java [a])`;
    const messages = [
      audit(`${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`),
      audit(`{${Array.from({ length: 5000 }, (_, at) => `"k${at}":${at}`).join(",")}}`),
      audit(`{"${"k".repeat(40_000)}":"${"v".repeat(40_000)}"}`),
      audit('{"a":1,"a":2}'),
      audit('{"half\\ud800":"\\ud800x","nul\\u0000":"\\u0000","":""}'),
      audit('{"a":1e400,"b":123456789012345678901234567890}'),
      `{"check":"disk","used_percent":1e30}`,
      "x".repeat(1_000_000),
      `Failed password for ${"u".repeat(40_000)} from 203.0.113.9 port 99999999999999999999 ssh2`,
      `203.0.113.9 - - [01/Mar/2024:10:11:12 +0000] "GET /${"p".repeat(70_000)} HTTP/1.1" 200 99999999999999999999999 "-" "-"`,
      `999.999.999.999 - - [01/Mar/2024:10:11:12 +0000] "GET / HTTP/1.1" 200 1 "-" "-"`,
    ];
    const sources = [
      { type: "dhis2", file: "/opt/dhis2/logs/dhis-audit.log" },
      { type: "dhis2", journal: "tomcat9" },
      { type: "nginx_proxy", journal: "nginx" },
      { type: "es_siem", journal: "dhis2-siem-health" },
      { type: "dhis2", journal: "sshd" },
      { type: "postgres", journal: "postgres" },
    ];
    const all = messages.flatMap((message) =>
      sources.map((source) => ({ "@timestamp": "2024-03-01T10:11:12Z", container: "c", ...source, message })),
    );
    await elasticsearch.call("POST", `/${INDEX}/_delete_by_query?refresh=true`, { query: { match_all: {} } });
    const documents = await index(all.map((line) => filebeatEvents(line)["8.19"]));
    documents.forEach((document, at) => {
      const message = all[at]?.message ?? assert.fail();
      const { original, hash } = document.event as Json;
      assert.equal(document.error, undefined, JSON.stringify(document.error));
      if (JSON.stringify(message).length - 2 <= ORIGINAL_BYTES) assert.equal(original, message);
      else {
        assert.equal(hash, createHash("sha256").update(message).digest("hex"));
        assert.deepEqual((document.dhis2 as Json).line, { length: message.length });
        const [head = "", tail = ""] = String(original).split(/…\[\+\d+(?:, sha256 [0-9a-f]{12})?\]…/);
        assert.ok(
          message.startsWith(head) && message.endsWith(tail) && head.length > tail.length && tail !== "",
        );
      }
    });
  });

  it("are kept, and marked, where a pipeline does fail", async () => {
    const { entry: broken } = await putPipelines(elasticsearch, "broken");
    await elasticsearch.call("DELETE", `/_ingest/pipeline/${broken.replace("-logs", "-dhis2")}`);
    const line = lines.find(({ journal }) => journal === "tomcat9") ?? assert.fail();
    const [document = {}] = await simulate(elasticsearch, broken, [filebeatEvents(line)["8.19"]]);
    const { event, error, tags, message } = document as Record<string, Json>;
    assert.equal(event?.original, line.message);
    assert.equal(message, line.message);
    assert.equal(event?.dataset, "unread");
    assert.deepEqual(tags, ["pipeline_error", "not_understood"]);
    assert.match(String(error?.message), /non-existent pipeline/);
  });
});
