import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { CACHE } from "../../core/cache";
import { waitFor } from "../../core/wait";
import { exampleFilebeatYml } from "../support/filebeat";
import { Journald } from "../support/journald";
import { SlowElasticsearch } from "../support/slow-elasticsearch";

/** The lab's build of the real one. */
const FILEBEAT = join(CACHE, "bin/filebeat");
const NOBODY = 65534;

describe("a real Filebeat that reads a real journald", function () {
  this.timeout(180_000);
  const journald = new Journald(`siem-${process.pid}`);
  let folder: string;
  let elasticsearch: SlowElasticsearch;
  let running: ChildProcess | undefined;

  before(function () {
    const missing = existsSync(FILEBEAT)
      ? Journald.missing()
      : "no Filebeat in the cache yet: the lab builds it";
    if (missing === undefined) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-filebeat-"))));
  afterEach(async () => {
    if (running?.exitCode === null && running.kill()) await once(running, "exit");
    elasticsearch.stop();
    await journald.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts all three. The journal keeps at most 64 MB; Elasticsearch takes `pauseMs` for a request. */
  async function start(pauseMs: number): Promise<void> {
    await journald.start(`[Journal]
Storage=persistent
RateLimitIntervalSec=0
SystemMaxUse=64M
SystemMaxFileSize=8M
`);
    elasticsearch = new SlowElasticsearch(pauseMs);
    const url = await elasticsearch.start();
    const config = parse(exampleFilebeatYml("postgres")) as Record<string, unknown>;
    const inputs = config["filebeat.inputs"] as object[];
    const output = config["output.elasticsearch"] as object;
    writeFileSync(
      join(folder, "filebeat.yml"),
      stringify({
        ...config,
        "filebeat.inputs": inputs.map((input) => ({ ...input, paths: [journald.folder] })),
        "output.elasticsearch": { ...output, hosts: [url], api_key: undefined, ssl: undefined },
        "http.host": `unix://${folder}/stats.sock`,
      }),
      { mode: 0o600 },
    );
    const paths = ["home", "data", "logs"].flatMap((path) => [`--path.${path}`, join(folder, path)]);
    // As its unit has it (scripts/agent.sh).
    const env = { ...process.env, GOMEMLIMIT: "120MiB" };
    running = spawn(FILEBEAT, ["-c", join(folder, "filebeat.yml"), ...paths], { stdio: "ignore", env });
    await until("journald's first line", () => has("Journal started"));
  }

  const messages = () => elasticsearch.events.map(({ message }) => message);
  const has = (message: string) => messages().includes(message);
  const details = () => `; it has sent ${messages().length} lines`;
  const until = (what: string, met: () => boolean, seconds = 60) =>
    waitFor({ what, seconds, pauseMs: 100, details }, met);

  it("sends each line once, whoever wrote it", async () => {
    await start(0);
    for (let n = 0; n < 20; n++) {
      journald.log([`root ${n}`]);
      journald.log([`nobody ${n}`], { uid: NOBODY });
    }
    const wanted = journald.entries().map(({ MESSAGE }) => MESSAGE ?? "");
    assert.equal(wanted.filter((message) => /^(root|nobody) \d+$/.test(message)).length, 40);
    await until("all lines", () => wanted.every(has));
    journald.log(["the end"]);
    await until("the end", () => has("the end"));
    assert.deepEqual(messages().sort(), [...wanted, "the end"].sort());
  });

  it("sends each of root's lines while nobody floods the journal and Elasticsearch is slow", async () => {
    await start(500);
    const text = noise();
    // Each another one: journald keeps a text that it has already only once.
    const flood = (round: number) =>
      journald.log(
        Array.from({ length: 60 }, (_, n) => `${round} ${n} ${text}`),
        { uid: NOBODY },
      );
    const roots = Array.from({ length: 30 }, (_, n) => `root ${n}`);
    for (const [n, line] of roots.entries()) {
      flood(n);
      journald.log([line]);
    }
    await until("all of root's lines", () => roots.every(has));
    const kept = new Set(journald.entries("_UID=0").map(({ MESSAGE }) => MESSAGE));
    assert.ok(!kept.has("root 0"), "the journal has dropped the first of them");
    const megabytes =
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${running?.pid ?? 0}/status`, "utf8"))?.[1]) / 1024;
    assert.ok(megabytes < 200, `${megabytes} MB`);
  });

  it("sends nothing that the sender of a line adds to it", async () => {
    await start(0);
    await journald.print(`before\n${"x".repeat(60_000)}\nafter\n`);
    await until("a line", () => has("before"));
    await until("the end of a long line", () =>
      elasticsearch.events.some(({ message }) => /^x+$/.test(message)),
    );
    const cut = elasticsearch.events.find(({ journald: by }) => by?.custom !== undefined);
    assert.deepEqual(cut?.journald?.custom, { line_break: "line-max" });
  });

  it("tags the rest of each line that journald cut, and no other line", async () => {
    await start(0);
    // By default a line is cut at 48 KiB.
    const parts = ["a", "b", "c"].map((letter) => letter.repeat(49_152));
    await journald.print(`${parts.join("")}the rest\nnext\n`, "one");
    await until("the line after it", () => has("next"));
    await journald.print(`${parts[0] ?? ""}another rest\nlast\n`, "two");
    await until("the last line", () => has("last"));
    const seen = elasticsearch.events.filter(({ message }) => /^[abc]{9}|rest$|^next$|^last$/.test(message));
    assert.deepEqual(
      seen.map(({ message, tags = [] }) => [message.slice(0, 12), ...tags]),
      [
        ["a".repeat(12)],
        ["b".repeat(12), "rest_of_line"],
        ["c".repeat(12), "rest_of_line"],
        ["the rest", "rest_of_line"],
        ["next"],
        ["a".repeat(12)],
        ["another rest", "rest_of_line"],
        ["last"],
      ],
    );
  });
});

/** A line of 60 kB that does not compress. */
function noise(): string {
  let text = "";
  while (text.length < 60_000) text += Math.random().toString(36).slice(2);
  return text;
}
