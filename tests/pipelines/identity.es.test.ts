import assert from "node:assert/strict";
import { MACHINE_TYPES, MACHINES, SOURCES, sourcesOf } from "../../machines";
import { filebeatEvents } from "../../commands/parse/filebeat";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { flat, putPipelines, simulate } from "../../commands/elasticsearch/pipelines";

const MESSAGES = [
  '203.0.113.9 - - [01/Mar/2024:10:11:12 +0000] "POST /dhis/api/auth/login HTTP/1.1" 401 150 "-" "Mozilla/5.0"',
  '* INFO  2024-03-01T10:11:12,345 {"auditType":"UPDATE","klass":"org.hisp.dhis.user.UserRole","uid":"r1B2c3D4e5F","data":{"authorities":["ALL"]}} (AbstractAuditConsumer.java [a])',
  'FATAL:  password authentication failed for user "dhis"',
];

describe("a machine's lines", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let entry: string;
  before(async () => {
    elasticsearch = await realElasticsearch();
    ({ entry } = await putPipelines(elasticsearch, "identity"));
  });

  it("are only of the programs that its type has, whatever identifier or path they come with", async () => {
    for (const type of MACHINE_TYPES.filter((name) => sourcesOf(name).length > 0)) {
      const own = sourcesOf(type);
      const datasets = new Set(own.flatMap((source) => source.datasets));
      for (const source of SOURCES.filter((one) => !own.includes(one))) {
        const from = [
          ...Object.keys(source.lines.identifiers ?? {}).map((journal) => ({ journal })),
          ...(source.lines.prefixes ?? []).map((prefix) => ({ journal: `${prefix}9` })),
          ...(source.lines.paths ?? []).map((path) => ({ file: `/x/${path}/x.log` })),
        ];
        const lines = from.flatMap((origin) =>
          MESSAGES.map((message) => ({
            "@timestamp": "2024-03-01T10:11:12Z",
            container: "c",
            type,
            ...origin,
            message,
          })),
        );
        const documents = await simulate(
          elasticsearch,
          entry,
          lines.map((line) => filebeatEvents(line)["8.19"]),
        );
        documents.map(flat).forEach((document, at) => {
          const what = `${type}: ${JSON.stringify(lines[at])}`;
          assert.ok(
            datasets.has(String(document["event.dataset"])),
            `${what}: ${String(document["event.dataset"])}`,
          );
          assert.equal(document["event.original"], lines[at]?.message, what);
        });
      }
    }
  });

  it("of another machine's programs are kept, tagged, and say what they claim to be", async () => {
    const [message = ""] = MESSAGES;
    const line = {
      "@timestamp": "2024-03-01T10:11:12Z",
      container: "dhis",
      type: "dhis2",
      journal: "nginx_access",
      message,
    };
    const [document = {}] = (await simulate(elasticsearch, entry, [filebeatEvents(line)["8.19"]])).map(flat);
    assert.deepEqual(document.tags, ["identity_not_proved"]);
    assert.equal(document["dhis2.claimed.source"], "nginx");
    for (const name of ["source.ip", "event.action", "event.outcome", "url.path"])
      assert.equal(document[name], undefined);
    assert.equal(MACHINES.dhis2.sources[0].name, "dhis2");
  });
});
