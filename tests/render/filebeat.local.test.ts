import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import { parse, stringify } from "yaml";
import { waitFor } from "../../core/wait";
import { CACHE } from "../../core/cache";
import { LINE_LIMIT_BYTES, MARKER } from "../../render/filebeat";
import { dhis2 } from "../../sources/dhis2";
import { exampleFilebeatYml, inputsOf } from "../support/filebeat";

/** The lab's build of the real one. */
const FILEBEAT = join(CACHE, "bin/filebeat");

describe("a real Filebeat with these settings", function () {
  this.timeout(120_000);
  let folder: string;
  let log: string;
  let running: ChildProcess | undefined;

  before(function () {
    if (existsSync(FILEBEAT)) return;
    console.log("      skipped: no Filebeat in the cache yet: the lab builds it");
    this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "dhis2-siem-filebeat-"));
    mkdirSync(join(folder, "opt/dhis2/logs"), { recursive: true });
    log = join(folder, dhis2.files?.[0] ?? "");
  });
  afterEach(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts it with its files and its output in the test's folder; the rest is as an agent has it. What is written then is new. */
  async function start(): Promise<void> {
    const example = exampleFilebeatYml("dhis2").replaceAll(
      /\/opt\/dhis2|\/var\/lib\/dhis2-siem/g,
      `${folder}$&`,
    );
    const file = inputsOf(example).find(({ type }) => type === "filestream");
    const yml = stringify({
      "filebeat.inputs": [{ ...file, prospector: { scanner: { check_interval: "1s" } } }],
      processors: (parse(example) as { processors?: unknown }).processors,
      "output.file": { path: join(folder, "out"), filename: "events", rotate_on_startup: false },
      "setup.template.enabled": false,
      "logging.to_stderr": true,
    });
    writeFileSync(join(folder, "filebeat.yml"), yml, { mode: 0o600 });
    mkdirSync(join(folder, "var/lib/dhis2-siem"), { recursive: true });
    writeFileSync(join(folder, MARKER), "marker");
    running = spawn(FILEBEAT, ["-c", join(folder, "filebeat.yml"), ...paths()], { stdio: "ignore" });
    await until("its first start", () => existsSync(join(folder, "data/meta.json")));
    await sleep(100);
  }

  async function until(what: string, met: () => boolean): Promise<void> {
    const details = () => `; it has sent: ${sent().join(", ")}`;
    await waitFor({ what, seconds: 30, pauseMs: 100, details }, met);
  }

  const paths = () => ["home", "data", "logs"].flatMap((path) => [`--path.${path}`, join(folder, path)]);

  async function stop(): Promise<void> {
    if (running?.exitCode !== null || !running.kill()) return;
    await once(running, "exit");
  }

  /** What it has sent. */
  function events(): { message: string; log: { flags?: string[] } }[] {
    const out = join(folder, "out");
    return (existsSync(out) ? readdirSync(out) : [])
      .flatMap((name) => readFileSync(join(out, name), "utf8").split("\n").slice(0, -1))
      .map((line) => JSON.parse(line) as { message: string; log: { flags?: string[] } });
  }

  /** The lines that it has sent, sorted. */
  const sent = () =>
    events()
      .map(({ message }) => message)
      .sort();

  async function sends(...lines: string[]): Promise<void> {
    await until(lines.join(", "), () => lines.every((line) => sent().includes(line)));
    assert.deepEqual(sent(), [...new Set(sent())], "each once");
  }

  /** What it knows its files by. */
  function knownFiles(): string[] {
    const registry = join(folder, "data/registry/filebeat/log.json");
    const lines = existsSync(registry) ? readFileSync(registry, "utf8").split("\n") : [];
    return [...new Set(lines.flatMap((line) => /"k":"([^"]*)"/.exec(line)?.[1] ?? []))];
  }

  const write = (line: string) => appendFileSync(log, `${line}\n`);

  it("takes them", () => {
    const ca = join(folder, "ca.crt");
    writeFileSync(ca, rootCertificates[0] ?? "");
    for (const type of ["dhis2", "apache_proxy", "postgres"] as const) {
      const path = join(folder, "filebeat.yml");
      const yml = exampleFilebeatYml(type).replace("/etc/filebeat/dhis2-siem-ca.crt", ca);
      writeFileSync(path, yml, { mode: 0o600 });
      const { stdout, stderr } = spawnSync(FILEBEAT, ["test", "config", "-c", path, ...paths()], {
        encoding: "utf8",
        env: { ...process.env, SIEM_API_KEY: "id:key" },
      });
      assert.match(stdout, /^Config OK$/m, stderr);
    }
  });

  it("reads each line once: of a file that is rolled, rolled and compressed, and after a start", async () => {
    await start();
    write("1");
    await sends("1");
    write("2 before it is rolled");
    renameSync(log, `${log}.1`);
    write("3");
    await sends("2 before it is rolled", "3");
    write("4 before it is rolled and compressed");
    renameSync(log, `${log}.2`);
    write("5");
    execFileSync("gzip", [`${log}.2`]);
    await sends("4 before it is rolled and compressed", "5");
    await stop();
    write("6 while it is stopped");
    renameSync(log, `${log}.3`);
    write("7");
    await start();
    await sends("6 while it is stopped", "7");
    write("8");
    await sends("8");
    assert.equal(sent().length, 8);
  });

  it("knows a file by its inode and the marker, whatever the device's number is", async () => {
    await start();
    write("1");
    await sends("1");
    await stop();
    assert.deepEqual(knownFiles(), [`filestream::files::inode_marker::${statSync(log).ino}-marker`]);
  });

  it("opens few files and takes little memory where somebody makes 5,000 of them, and reads the log on", async () => {
    await start();
    write("1");
    await sends("1");
    for (let n = 1; n <= 5000; n++) writeFileSync(`${log}.${n}`, `rolled ${n}\n`);
    await until("the first of them", () => sent().includes("rolled 1"));
    write("2");
    await until("the next line of the log", () => sent().includes("2"));
    await stop();
    await start();
    write("3");
    await until("a line after a start with all of them", () => sent().includes("3"));
    const proc = `/proc/${running?.pid ?? 0}`;
    const descriptors = readdirSync(`${proc}/fd`).length;
    const megabytes =
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`${proc}/status`, "utf8"))?.[1] ?? Infinity) / 1024;
    assert.ok(descriptors < 300, `${descriptors} descriptors`);
    assert.ok(megabytes < 150, `${megabytes} MB`);
  });

  it("cuts a line of a megabyte, and says so", async () => {
    await start();
    write(`user ${"x".repeat(1024 * 1024)} logs in`);
    write("the next line");
    await until("the next line", () => sent().includes("the next line"));
    const long = events().find(({ message }) => message.startsWith("user "));
    assert.equal(long?.message.length, LINE_LIMIT_BYTES);
    assert.ok(long.log.flags?.includes("truncated"));
  });

  it("passes over what was there before it, and goes on from its end", async () => {
    for (const path of [log, `${log}.1`, `${log}.23`]) writeFileSync(path, `in ${path} already\n`);
    await start();
    await until("the three files to be found", () => knownFiles().length === 3);
    write("1");
    await sends("1");
    assert.deepEqual(sent(), ["1"]);
  });
});
