import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "../../core/root";
import { loadDetections } from "../../detections";
import type { Json } from "../../core/json";
import { READ_CHARACTERS, renderMappings } from "../../pipelines";
import { DOCUMENT_BYTES } from "../../pipelines/fields";
import { filebeatEvents } from "../../commands/parse/filebeat";
import type { RawLine } from "../../commands/detections/lines";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { flat, putPipelines } from "../../commands/elasticsearch/pipelines";

const INDEX = "pipeline-bounds";
/** What one line may take, with time for a busy machine. Today's take some milliseconds (npm run bench:pipeline). */
const MILLISECONDS = 8000;

type Source = Omit<RawLine, "@timestamp" | "message">;
const PROXY: Source = { container: "proxy", type: "nginx_proxy", journal: "nginx_access" };
const DHIS: Source = { container: "dhis", type: "dhis2", journal: "tomcat9" };
const AUDIT: Source = { container: "dhis", type: "dhis2", file: "/opt/dhis2/logs/dhis-audit.log" };
const SUDO: Source = { container: "dhis", type: "dhis2", journal: "sudo", executable: "/usr/bin/sudo" };
const POSTGRES: Source = { container: "postgres", type: "postgres", journal: "postgres" };

const line = (source: Source, message: string): RawLine => ({
  "@timestamp": "2024-03-01T10:11:12.000Z",
  ...source,
  message,
});
const request = (path: string, user = "-", referer = "-", agent = "-") =>
  `203.0.113.9 - ${user} [01/Mar/2024:10:11:12 +0000] "GET ${path} HTTP/1.1" 200 150 "${referer}" "${agent}"`;
const audit = (object: object) =>
  `* INFO  2024-03-01T10:11:12,345 ${JSON.stringify({ auditType: "UPDATE", auditScope: "METADATA", createdBy: "admin", uid: "r1B2c3D4e5F", ...object })} (AbstractAuditConsumer.java [audit-consumer-1])`;
const role = (authorities: readonly string[]) =>
  audit({ klass: "org.hisp.dhis.user.UserRole", data: { name: "Helpers", authorities } });
const user = (userRoles: readonly object[] | readonly string[]) =>
  audit({ klass: "org.hisp.dhis.user.User", data: { username: "eve", userRoles } });
const login = (name: string) =>
  `* INFO  2024-03-01T10:11:12,345 Authentication event: AuthenticationFailureBadCredentialsEvent; username: ${name}; exception: Bad credentials (AuthenticationLoggerListener.java [tomcat-http-7])`;

const many = (count: number, one: (n: number) => string) => Array.from({ length: count }, (_, n) => one(n));
const FILLINGS: Record<string, string> = {
  letters: "a".repeat(12_000),
  "nginx's escapes": "\\x22".repeat(12_000),
  quotes: '"'.repeat(12_000),
  backslashes: "\\".repeat(12_000),
  "control characters": "\u0001".repeat(12_000),
  tabs: "\t".repeat(12_000),
  "text of three bytes": "\u4e2d".repeat(12_000),
  "text of four bytes": "\u{1f600}".repeat(12_000),
  "lone halves": "\\ud800".repeat(2000),
  percents: "%25".repeat(12_000),
  semicolons: ";".repeat(12_000),
  slashes: "/".repeat(12_000),
};

describe("what a document is at most", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let entry: string;
  before(async () => {
    elasticsearch = await realElasticsearch();
    ({ entry } = await putPipelines(elasticsearch, "bounds"));
    await elasticsearch.call("DELETE", `/${INDEX}?ignore_unavailable=true`);
    await elasticsearch.call("PUT", `/${INDEX}`, {
      mappings: renderMappings(),
      settings: { final_pipeline: entry, number_of_replicas: 0 },
    });
  });
  after(() => elasticsearch.call("DELETE", `/${INDEX}`));

  /** Indexes an event; gives the document that became of it, after its size and time were compared with the bounds. */
  async function stored(event: object, what: string): Promise<Json> {
    const start = performance.now();
    const { _id } = await elasticsearch.call("POST", `/${INDEX}/_doc?refresh=true`, event);
    const took = performance.now() - start;
    const { _source } = await elasticsearch.call("GET", `/${INDEX}/_doc/${String(_id)}`);
    const bytes = Buffer.byteLength(JSON.stringify(_source));
    assert.ok(bytes <= DOCUMENT_BYTES.logs, `${what}: ${bytes} bytes`);
    assert.ok(took <= MILLISECONDS, `${what}: ${Math.round(took)} ms`);
    return flat(_source as Json);
  }
  const storedLine = (source: Source, message: string, what = message.slice(0, 100)) =>
    stored(filebeatEvents(line(source, message))["8.19"], what);

  it("holds for four texts of a request, whatever they are made of", async () => {
    for (const [what, text] of Object.entries(FILLINGS)) {
      const message = request(`/dhis/${text}?q=${text}`, text, text, text);
      const document = await storedLine(PROXY, message, what);
      assert.equal(document["event.dataset"]?.toString().slice(0, 6), "nginx.", what);
      assert.deepEqual((document.tags as string[]).includes("cut"), true, what);
      assert.equal(document["event.hash"], createHash("sha256").update(message).digest("hex"), what);
      assert.equal(document["dhis2.line.length"], message.length);
    }
  });

  it("holds for names and lines of every source, of a megabyte too", async () => {
    for (const [what, text] of Object.entries(FILLINGS)) {
      for (const name of [text, text.repeat(Math.ceil(1_000_000 / text.length))]) {
        const failed = await storedLine(DHIS, login(name), what);
        assert.ok((failed.tags as string[]).includes("cut"), what);
        // Where it was cut before it was read, it is still a failed login.
        assert.equal(failed["event.outcome"], "failure", what);
        await storedLine(
          SUDO,
          `eve : TTY=pts/0 ; PWD=/home/eve ; USER=root ; COMMAND=/usr/bin/cat ${name}`,
          what,
        );
        await storedLine(POSTGRES, `FATAL:  password authentication failed for user "${name}"`, what);
        await storedLine(PROXY, request(`/${name}`), what);
        await storedLine({ ...PROXY, journal: "nginx_error" }, `2024/03/01 10:11:12 [error] ${name}`, what);
        await storedLine(AUDIT, audit({ klass: name, data: { [name]: name } }), what);
      }
    }
  });

  it("holds for JSON of any shape", async () => {
    const shapes: Record<string, string> = {
      "200,000 keys": audit({
        klass: "k",
        data: Object.fromEntries(many(200_000, (n) => `k${n}`).map((key) => [key, 1])),
      }),
      "50,000 keys": audit({
        klass: "k",
        data: Object.fromEntries(many(50_000, (n) => `k${n}`).map((key) => [key, "v"])),
      }),
      "50,000 items": audit({ klass: "k", data: { list: many(50_000, String) } }),
      "lists in many keys": audit({
        klass: "k",
        data: Object.fromEntries(
          many(500, (n) => `k${n}`).map((key) => [key, many(100, () => "\u0001".repeat(10))]),
        ),
      }),
      "500 deep": audit({
        klass: "k",
        data: JSON.parse(`${'{"a":'.repeat(400)}1${"}".repeat(400)}`) as object,
      }),
      "5,000 deep": `* INFO  2024-03-01T10:11:12,345 {"auditType":"UPDATE","data":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}} (A.java [a])`,
      "a list of lists": audit({
        klass: "k",
        data: { list: many(20_000, () => "[1]").map((text) => JSON.parse(text) as object) },
      }),
    };
    for (const [what, message] of Object.entries(shapes)) await storedLine(AUDIT, message, what);
    await storedLine(
      DHIS,
      JSON.stringify(Object.fromEntries(many(60_000, (n) => `k${n}`).map((key) => [key, "\u0001"]))),
    );
  });

  it("holds for events that no agent sends, and nothing of them stays under dhis2.*", async () => {
    const big = Object.fromEntries(many(200_000, (n) => `k${n}`).map((key) => [key, key]));
    const deep = JSON.parse(`${'{"a":'.repeat(400)}1${"}".repeat(400)}`) as object;
    const base = filebeatEvents(line(PROXY, request("/dhis/")))["8.19"];
    const events: Record<string, object> = {
      "dhis2.*": {
        dhis2: {
          ...big,
          audit: { data: big, authorities: ["ALL"] },
          health: { used_percent: 99 },
          alert: deep,
          line: { length: 7 },
        },
      },
      tags: { tags: many(20_000, (n) => `tag${n}`) },
      "a list where a text must be": {
        agent: { version: many(50_000, String) },
        message: many(50_000, String),
      },
      "an object where a text must be": {
        message: big,
        syslog: { identifier: big },
        systemd: { unit: deep },
      },
      "fields of other sources": {
        json: big,
        user: { name: "admin" },
        source: { ip: "203.0.113.1" },
        process: { pid: big, command_line: "x" },
      },
      "many fields": big,
      "a long time": { "@timestamp": "9".repeat(100_000) },
      "a hash": { event: { hash: "x".repeat(100_000), original: "y".repeat(100_000) } },
    };
    for (const [what, event] of Object.entries(events)) {
      const document = await stored({ ...base, ...event }, what);
      const ours = Object.keys(document).filter((name) => name.startsWith("dhis2."));
      const lineLength = ours.filter((name) => name !== "dhis2.line.length");
      assert.ok(
        lineLength.every((name) => /^dhis2\.(site|container\.(name|type))$/.test(name)),
        `${what}: ${ours.join(" ")}`,
      );
      assert.ok(!(document.tags as string[] | undefined)?.some((tag) => tag.startsWith("tag")), what);
      assert.equal(document["user.name"], undefined);
    }
  });

  it("does not make an ordinary line larger: nothing is added, nothing is cut", async () => {
    const query = `/dhis/api/41/analytics.json?dimension=dx:${many(30, (n) => `a1B2c3D4${100 + n}`).join(";")}&dimension=pe:LAST_12_MONTHS&filter=ou:LEVEL-2`;
    for (const path of ["/dhis/api/me?fields=id,username", query]) {
      const message = request(
        path,
        "-",
        "https://dhis2.example.org/dhis/dhis-web-dashboard/",
        "Mozilla/5.0 (X11; Linux x86_64; rv:122.0) Gecko/20100101 Firefox/122.0",
      );
      const document = await storedLine(PROXY, message);
      assert.equal(document["event.original"], message);
      assert.equal(document["url.original"], path);
      assert.equal(document.tags, undefined);
      // What a document had before it was bounded: these fields, each with its whole value.
      assert.deepEqual(Object.keys(document), [
        "@timestamp",
        "agent.version",
        "dhis2.container.name",
        "dhis2.container.type",
        "dhis2.site",
        "ecs.version",
        "event.category",
        "event.dataset",
        "event.ingested",
        "event.kind",
        "event.original",
        "event.outcome",
        "event.type",
        "host.name",
        "http.request.method",
        "http.request.referrer",
        "http.response.body.bytes",
        "http.response.status_code",
        "http.version",
        "log.syslog.appname",
        "log.syslog.priority",
        "message",
        "process.pid",
        "service.type",
        "source.address",
        "source.ip",
        "systemd.unit",
        "url.original",
        "url.path",
        "url.query",
        "user_agent.original",
      ]);
    }
  });

  it("keeps of a list what rules look for, wherever it is in it", async () => {
    const others = many(2500, (n) => `F_AUTHORITY_NUMBER_${n}`);
    for (const [count, all] of [
      [2500, role([...others, "ALL"])],
      [2500, role(["ALL", ...others])],
      [43_000, role([...many(40_000, (n) => `F_AUTHORITY_NUMBER_${n}`), "ALL", ...others])],
      [
        80_000,
        role([
          ...many(60_000, (n) => `F_${n}_AUTHORITY`),
          "ALL",
          ...many(20_000, (n) => `F_B_${n}_AUTHORITY`),
        ]),
      ],
      // The place where it is cut is between the items of a list.
      [
        200_000,
        audit({
          klass: "org.hisp.dhis.user.UserRole",
          data: { x: "y".repeat(690_000), authorities: ["ALL", "F"], z: many(50_000, String) },
        }),
      ],
    ] as const) {
      const document = await storedLine(AUDIT, all, `${count} authorities`);
      assert.equal((document["dhis2.audit.authorities"] as string[])[0], "ALL");
      assert.equal(document["dhis2.audit.klass"], "org.hisp.dhis.user.UserRole");
      assert.deepEqual([document["event.dataset"], document["event.action"]], ["dhis2.audit", "updated"]);
      assert.ok((document.tags as string[]).includes("cut"));
    }
    const roles = many(2500, (n) => `r${String(n).padStart(10, "0")}`);
    for (const list of [
      [...roles, "yrB6vc5Ip3r"],
      [...roles, "yrB6vc5Ip3r"].map((id) => ({ id, name: "x" })),
    ]) {
      const document = await storedLine(AUDIT, user(list));
      assert.equal((document["dhis2.audit.roles"] as string[])[0], "yrB6vc5Ip3r");
    }
    // Not what only looks like it, in an entry that is longer than is read.
    const none = await storedLine(
      AUDIT,
      role([...many(40_000, (n) => `F_AUTHORITY_NUMBER_${n}`), "ALL_"]),
      "no ALL",
    );
    assert.ok(!((none["dhis2.audit.authorities"] ?? []) as string[]).includes("ALL"));
    assert.ok(role(many(40_000, (n) => `F_AUTHORITY_NUMBER_${n}`)).length > READ_CHARACTERS);
  });

  it("is bounded by what it has room for: a long text does not take the place of an address or a name", async () => {
    const text = "\u4e2d".repeat(12_000);
    const document = await storedLine(PROXY, request(`/${text}?${text}`, "mallory", text, text));
    assert.equal(document["source.ip"], "203.0.113.9");
    assert.equal(document["user.name"], "mallory");
    assert.equal(document["http.response.status_code"], 200);
    for (const name of [
      "url.path",
      "url.query",
      "user_agent.original",
      "http.request.referrer",
      "event.original",
      "message",
    ]) {
      assert.match(String(document[name]), /…\[\+\d+, sha256 [0-9a-f]{12}\]…/, name);
    }
  });
});

describe("the lists that the last step cuts", () => {
  it("have first what rules compare with", () => {
    const wanted = new Map<string, Set<string>>();
    for (const { logic } of loadDetections().detections) {
      const conditions =
        logic.kind === "together" ? logic.parts.map(({ condition }) => condition) : [logic.condition];
      for (const { lucene } of conditions) {
        for (const [, name = "", value = ""] of lucene.matchAll(/dhis2\.audit\.(roles|authorities):(\w+)/g)) {
          wanted.set(name, (wanted.get(name) ?? new Set()).add(value));
        }
      }
    }
    const file = parse(readFileSync(join(ROOT, "pipelines/json.yml"), "utf8")) as {
      processors: { script?: { params: { wanted: Record<string, string[]> } } }[];
    };
    const ours = file.processors.find(({ script }) => script !== undefined)?.script?.params.wanted ?? {};
    const sorted = Object.fromEntries([...wanted].map(([name, values]) => [name, [...values].sort()]));
    assert.deepEqual(sorted, ours);
  });
});
