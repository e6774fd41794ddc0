import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Json } from "../../core/json";
import { filebeatEvents } from "../../commands/parse/filebeat";
import { readLogLines } from "../../commands/parse/lines";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { flat, putPipelines, simulate } from "../../commands/elasticsearch/pipelines";
import { SOURCES } from "../../machines";
import { samplesOf } from "../../sources";
import { matchesSnapshot } from "../support/snapshot";

/** What is the same in every document, and tested by itself. */
const EVERYWHERE = [
  "agent.version",
  "dhis2.container.name",
  "dhis2.container.type",
  "dhis2.site",
  "ecs.version",
  "event.ingested",
  "event.kind",
  "event.original",
  "host.name",
  "process.pid",
];

const without = (document: Json, names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)));

describe("lines of every kind, as the pipelines make documents of them", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let entry: string;
  before(async () => {
    elasticsearch = await realElasticsearch();
    ({ entry } = await putPipelines(elasticsearch, "pairs"));
  });

  const samples = SOURCES.flatMap((source) =>
    samplesOf(source).map((sample) => ({ ...sample, title: `${source.name}: ${sample.name}` })),
  );
  for (const { title, lines: file, expected } of samples) {
    const lines = readLogLines(readFileSync(file, "utf8"));

    it(`${title} (UPDATE=1 writes ${basename(expected)})`, async () => {
      const events = lines.map(filebeatEvents);
      const [old, recent] = [
        (
          await simulate(
            elasticsearch,
            entry,
            events.map((event) => event["7.17"]),
          )
        ).map(flat),
        (
          await simulate(
            elasticsearch,
            entry,
            events.map((event) => event["8.19"]),
          )
        ).map(flat),
      ];
      const volatile = ["agent.version", "event.ingested"];
      const comparable = (documents: readonly Json[]) =>
        documents.map((document) => without(document, volatile));
      assert.deepEqual(comparable(old), comparable(recent), "both shapes of events make the same document");

      recent.forEach((document, index) => {
        const { container, message, journal } = lines[index] ?? assert.fail();
        assert.equal(document["event.original"], message);
        assert.equal(document["host.name"], container);
        assert.equal(document["dhis2.container.name"], container);
        assert.equal(document["process.pid"], journal === undefined ? undefined : 4242);
        assert.equal(document["error.message"], undefined);
        assert.match(String(document["event.ingested"]), /^20\d\d-.*Z$/);
      });
      const shown = recent.map((document, index) => {
        const given = lines[index] ?? assert.fail();
        const same = document["@timestamp"] === given["@timestamp"] ? ["@timestamp"] : [];
        return { line: given.message, ...without(document, [...EVERYWHERE, ...same, "log.syslog.priority"]) };
      });
      matchesSnapshot(expected, `${JSON.stringify(shown, undefined, 2)}\n`);
    });
  }
});
