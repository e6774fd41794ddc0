import assert from "node:assert/strict";
import { LATENESS_MINUTES } from "../../pipelines/lateness";
import { filebeatEvents } from "../../commands/parse/filebeat";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { flat, putPipelines, simulate } from "../../commands/elasticsearch/pipelines";

const MINUTE = 60_000;

describe("marks of lines", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let entry: string;
  before(async () => {
    elasticsearch = await realElasticsearch();
    ({ entry } = await putPipelines(elasticsearch, "marks", LATENESS_MINUTES));
  });

  /** The tags of a line that was written so many minutes ago. */
  async function tags(
    minutes: number,
    from: { journal: string } | { file: string },
    message: string,
    sent: { readonly log?: object; readonly custom?: object; readonly tags?: string[] } = {},
  ) {
    const line = {
      "@timestamp": new Date(Date.now() - minutes * MINUTE).toISOString(),
      container: "proxy",
      type: "nginx_proxy",
      ...from,
      message,
    };
    const { "7.17": old, "8.19": recent } = filebeatEvents(line);
    const events = [old, recent].map((event) => {
      const { log, journald, ...rest } = event as Record<string, object>;
      return {
        ...rest,
        ...(sent.tags && { tags: sent.tags }),
        log: { ...log, ...sent.log },
        ...(journald && { journald: { ...journald, custom: sent.custom ?? {} } }),
      };
    });
    const [a = {}, b = {}] = (await simulate(elasticsearch, entry, events)).map(flat);
    assert.deepEqual(a.tags, b.tags);
    return b.tags;
  }

  it("say what came too late to be judged", async () => {
    const journal = { journal: "nginx" };
    const line = '203.0.113.9 - - [01/Mar/2024:10:11:12 +0000] "GET / HTTP/1.1" 200 1 "-" "-"';
    assert.deepEqual(await tags(LATENESS_MINUTES + 1, journal, line), ["late"]);
    assert.deepEqual(await tags(14 * 24 * 60, journal, "not known"), ["not_understood", "late"]);
    assert.equal(await tags(LATENESS_MINUTES - 1, journal, line), undefined);
    assert.equal(await tags(-600, journal, line), undefined);
  });

  it("say what journald or the agent cut already", async () => {
    const audit = { file: "/opt/dhis2/logs/dhis-audit.log" };
    const cut = { log: { flags: ["truncated"] } };
    assert.deepEqual(await tags(0, audit, "x", cut), ["cut_at_source", "not_understood"]);
    const flags = { log: { flags: ["multiline"] } };
    assert.deepEqual(await tags(0, audit, "x", flags), ["not_understood"]);
    const half = "Authentication event: AuthenticationSuccessEvent; username: a";
    const of = (line_break: string) => tags(0, { journal: "somebody" }, half, { custom: { line_break } });
    assert.deepEqual(await of("line-max"), ["cut_at_source"]);
    assert.equal(await of("eof"), undefined);
  });

  it("keep the rest of a line that journald cut from being read as a line of its program", async () => {
    const events = ["tomcat9", "java", "postgres", "sshd", "dhis2-siem-health", "somebody"].flatMap(
      (journal) => {
        const message =
          journal === "dhis2-siem-health"
            ? '{"check":"disk","path":"/","used_percent":99}'
            : "Authentication event: AuthenticationFailureBadCredentialsEvent; username: admin; exception: Bad credentials (AuthenticationLoggerListener.java [tomcat-http-1])";
        const line = {
          "@timestamp": new Date().toISOString(),
          container: "dhis",
          type: "dhis2",
          journal,
          message,
        };
        return Object.values(filebeatEvents(line)).map((event) => ({
          ...(event as object),
          tags: ["rest_of_line", "late", "somebody's"],
        }));
      },
    );
    for (const one of (await simulate(elasticsearch, entry, events)).map(flat)) {
      assert.deepEqual(one.tags, ["rest_of_line"]);
      assert.equal(one["event.dataset"], "system.log");
      assert.equal(one["event.action"], undefined);
      assert.equal(one["user.name"], undefined);
    }
  });

  it("go by the line's own time, where it has one", async () => {
    const perf = '203.0.113.9\t[01/Mar/2024:10:11:12 +0000]\t-\t-\t"GET / HTTP/1.1"\t200\t1\t"-"\t"-"\t0.1';
    assert.deepEqual(await tags(0, { file: "/var/log/nginx/perf.log" }, perf), ["late"]);
  });

  it("say of an empty line that it is not understood, of every kind, once", async () => {
    for (const journal of ["nginx", "nginx_error", "tomcat9", "postgres", "sshd", "somebody"]) {
      assert.deepEqual(await tags(0, { journal }, ""), ["not_understood"], journal);
    }
    assert.deepEqual(await tags(0, { file: "/opt/dhis2/logs/dhis-audit.log" }, ""), ["not_understood"]);
  });
});
