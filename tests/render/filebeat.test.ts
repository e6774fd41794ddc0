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
import { CACHE } from "../../lab/places";
import { filesOf, MARKER, renderFilebeatYml } from "../../render/filebeat";
import { loadScripts } from "../../scripts";
import { CONTAINER_TYPES, type ContainerType } from "../../config/site";

const rendered = (type: ContainerType) =>
  renderFilebeatYml(
    { name: "one", type, ip: "10.87.0.10", generation: 1 },
    { fqdn: "dhis2.example.org", siemAddress: "10.87.0.200", dataStream: "logs-dhis2-default" },
  );
const inputs = (yml: string) =>
  (parse(yml) as { "filebeat.inputs": Record<string, unknown>[] })["filebeat.inputs"];

/**
 * The keys that both 7.17 and 8.19 document (filebeat.reference.yml, and the pages of the two inputs). Filebeat passes over a
 * key that it does not know, so its `test config` would not tell. `fields` holds names of our own.
 */
const KNOWN = [
  "filebeat.inputs.type",
  "filebeat.inputs.id",
  "filebeat.inputs.paths",
  "filebeat.inputs.prospector.scanner.check_interval",
  "filebeat.inputs.file_identity.inode_marker.path",
  "filebeat.inputs.close.on_state_change.inactive",
  "filebeat.inputs.close.on_state_change.removed",
  "filebeat.inputs.ignore_inactive",
  "filebeat.inputs.ignore_older",
  "name",
  "fields_under_root",
  "fields",
  "output.elasticsearch.hosts",
  "output.elasticsearch.api_key",
  "output.elasticsearch.index",
  "output.elasticsearch.ssl.certificate_authorities",
  "output.elasticsearch.ssl.verification_mode",
  "setup.template.enabled",
  "setup.ilm.enabled",
  "queue.mem.events",
  "http.enabled",
  "http.host",
  "logging.level",
  "logging.to_files",
  "logging.to_stderr",
];
/** What they may be set to, where the two versions take different values. */
const VALUES: Readonly<Record<string, RegExp>> = {
  "filebeat.inputs.type": /^(journald|filestream)$/,
  "filebeat.inputs.ignore_inactive": /^since_(first|last)_start$/,
  "output.elasticsearch.ssl.verification_mode": /^full$/,
};

/** Each leaf as its key with dots, and its value. */
function leaves(value: unknown, key = ""): [string, unknown][] {
  if (Array.isArray(value)) return value.flatMap((item) => leaves(item, key));
  if (typeof value !== "object" || value === null || key === "fields") return [[key, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(inner, key === "" ? name : `${key}.${name}`),
  );
}

describe("an agent's filebeat.yml", () => {
  it("has no key that only one of 7.17 and 8.19 takes, in a container of any type", () => {
    const seen = CONTAINER_TYPES.flatMap((type) => leaves(parse(rendered(type))));
    assert.deepEqual([...new Set(seen.map(([key]) => key))].sort(), [...KNOWN].sort());
    for (const [key, value] of seen) assert.match(String(value), VALUES[key] ?? /./, key);
  });

  it("names the marker that the agent's step makes", () => {
    const [, file] = inputs(rendered("dhis2"));
    assert.deepEqual(file?.file_identity, { inode_marker: { path: MARKER } });
    assert.match(loadScripts().agent, new RegExp(`^FILEBEAT_MARKER=${MARKER}$`, "m"));
  });

  it("reads the journal alone where no log is a file", () => {
    assert.deepEqual(
      inputs(rendered("postgres")).map(({ type }) => type),
      ["journald"],
    );
  });

  it("reads munin's own logs, which are files, beside those of its apache2", () => {
    const [, file] = inputs(rendered("munin_monitor"));
    const [, apache] = inputs(rendered("apache_proxy"));
    assert.deepEqual(file?.paths, [
      ...(apache?.paths as string[]),
      "/var/log/munin/munin-*.log",
      "/var/log/munin/munin-*.log.*[0-9]",
    ]);
  });
});

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
    log = join(folder, filesOf("dhis2")[0] ?? "");
  });
  afterEach(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts it with its files and its output in the test's folder; the rest is as an agent has it. What is written then is new. */
  async function start(): Promise<void> {
    const [, file] = inputs(
      rendered("dhis2").replaceAll(/\/opt\/dhis2|\/var\/lib\/dhis2-siem/g, `${folder}$&`),
    );
    const yml = stringify({
      "filebeat.inputs": [{ ...file, prospector: { scanner: { check_interval: "1s" } } }],
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
    const deadline = Date.now() + 30_000;
    while (!met()) {
      assert.ok(Date.now() < deadline, `waited for ${what}; it has sent: ${sent().join(", ")}`);
      await sleep(100);
    }
  }

  const paths = () => ["home", "data", "logs"].flatMap((path) => [`--path.${path}`, join(folder, path)]);

  async function stop(): Promise<void> {
    if (running?.exitCode !== null || !running.kill()) return;
    await once(running, "exit");
  }

  /** The lines that it has sent, sorted. */
  function sent(): string[] {
    const out = join(folder, "out");
    return (existsSync(out) ? readdirSync(out) : [])
      .flatMap((name) => readFileSync(join(out, name), "utf8").split("\n").slice(0, -1))
      .map((line) => (JSON.parse(line) as { message: string }).message)
      .sort();
  }

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
      const yml = rendered(type).replace("/etc/filebeat/dhis2-siem-ca.crt", ca);
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

  it("passes over what was there before it, and goes on from its end", async () => {
    for (const path of [log, `${log}.1`, `${log}.23`]) writeFileSync(path, `in ${path} already\n`);
    await start();
    await until("the three files to be found", () => knownFiles().length === 3);
    write("1");
    await sends("1");
    assert.deepEqual(sent(), ["1"]);
  });
});
