import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Journald } from "../support/journald";

const SCRIPT = join(__dirname, "../../scripts/shipping-report.sh");
const NOBODY = 65534;

interface Report {
  path: string;
  lost: number;
  waiting: number;
  behind_seconds: number;
  restarts: number;
}

describe("the report of what was sent and what was lost, on a real journald", function () {
  this.timeout(120_000);
  const journald = new Journald(`siem-${process.pid}`);
  let folder: string;
  let script: string;

  before(function () {
    const missing = Journald.missing();
    if (missing === undefined) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "dhis2-siem-shipping-"));
    mkdirSync(join(folder, "registry"));
    mkdirSync(join(folder, "bin"));
    // What it asks of systemd, and what it tells it to do.
    program(
      "systemctl",
      `echo "$*" >>${folder}/calls; case $* in *NRestarts*) cat ${folder}/restarts;; *Invocation*) echo 0123;; esac`,
    );
    writeFileSync(join(folder, "restarts"), "2\n");
    script = join(folder, "report.sh");
    writeFileSync(
      script,
      readFileSync(SCRIPT, "utf8")
        .replace(/^REGISTRY=.*$/m, `REGISTRY=${folder}/registry`)
        .replace(/^STATE=.*$/m, `STATE=${folder}/state`)
        .replaceAll("journalctl -q", `journalctl --namespace=${journald.name} -q`),
    );
    await journald.start(
      "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSystemMaxUse=24M\nSystemMaxFileSize=4M\n",
    );
    journald.log(["the first"]);
    journald.log(["the first of nobody"], { uid: NOBODY });
  });
  afterEach(async () => {
    await journald.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function program(name: string, text: string): void {
    writeFileSync(join(folder, "bin", name), `#!/bin/bash\n${text}\n`);
    chmodSync(join(folder, "bin", name), 0o755);
  }

  /** Runs it: what it prints, by reader or file. */
  function report(...files: string[]): Record<string, Report> {
    const { status, stdout, stderr } = spawnSync("bash", [script, ...files], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${folder}/bin:${process.env.PATH ?? ""}` },
    });
    assert.deepEqual([status, stderr], [0, ""]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Report);
    return Object.fromEntries(lines.map((line) => [line.path, line]));
  }

  /** Says in Filebeat's registry that a reader has sent all that is in the journal now. */
  function sendAll(...readers: string[]): void {
    const cursor = journald.entries().at(-1)?.__CURSOR ?? "";
    for (const reader of readers) {
      record(`journald::${reader}::LOCAL_SYSTEM_JOURNAL`, { version: 1, position: cursor });
    }
  }

  function record(key: string, cursor: object): void {
    const change = { k: key, v: { ttl: 0, updated: [1, 2], cursor } };
    appendFileSync(join(folder, "registry/log.json"), `{"op":"set","id":1}\n${JSON.stringify(change)}\n`);
  }

  /** Writes as a user until the journal has dropped what was its oldest entry. */
  function flood(): void {
    const oldest = journald.entries()[0]?.__CURSOR;
    for (let round = 0; journald.entries("--output-fields=_UID")[0]?.__CURSOR === oldest; round++) {
      assert.ok(round < 100, "the journal drops its oldest entries");
      const noise = () => Array.from({ length: 2500 }, () => Math.random().toString(36).slice(2)).join("");
      journald.log(Array.from({ length: 50 }, noise), { uid: NOBODY });
    }
  }

  const both = ["journal", "journal-others"];

  it("says nothing of a reader that has sent nothing yet", () => {
    assert.equal(
      spawnSync("bash", [script], {
        env: { ...process.env, PATH: `${folder}/bin:${process.env.PATH ?? ""}` },
      }).stdout.toString(),
      "",
    );
  });

  it("counts the entries that wait, each for its reader", () => {
    sendAll(...both);
    assert.deepEqual(report().journal, {
      check: "shipping",
      path: "journal",
      lost: 0,
      waiting: 0,
      behind_seconds: 0,
      restarts: 0,
    });
    journald.log(["1", "2", "3"]);
    journald.log(["4"], { uid: NOBODY });
    const { journal, "journal-others": others } = report();
    assert.deepEqual([journal?.waiting, others?.waiting], [3, 1]);
    sendAll(...both);
    assert.equal(report().journal?.waiting, 0);
  });

  it("counts what was removed before it was sent, once", () => {
    sendAll(...both);
    report();
    journald.log(["evidence"]);
    flood();
    const entries = journald.entries("--output-fields=_UID");
    const number = (cursor = "") => parseInt(/i=([0-9a-f]+)/.exec(cursor)?.[1] ?? "", 16);
    const { journal, "journal-others": others } = report();
    const missing = number(entries[0]?.__CURSOR) - 1;
    assert.ok(
      others !== undefined && others.lost > 0 && others.lost <= missing,
      `${others?.lost} of ${missing}`,
    );
    assert.ok(others.waiting > 0);
    assert.ok(journal !== undefined && journal.lost > 0, "the evidence may be among them");
    assert.equal(report()["journal-others"]?.lost, 0);
  });

  it("says that nothing is lost for root's reader while that one keeps up", () => {
    sendAll(...both);
    report();
    flood();
    sendAll("journal");
    const { journal, "journal-others": others } = report();
    assert.equal(journal?.lost, 0);
    assert.ok((others?.lost ?? 0) > 0);
  });

  it("reads the newest position, of the registry's log or of its checkpoint", () => {
    sendAll(...both);
    const log = join(folder, "registry/log.json");
    const entries = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line.startsWith('{"k"'));
    const checkpoint = entries.map((line) => {
      const { k, v } = JSON.parse(line) as { k: string; v: object };
      return { _key: k, ...v };
    });
    writeFileSync(
      join(folder, "registry/42.json"),
      JSON.stringify([{ _key: "filestream::files::path::x", cursor: null }, ...checkpoint]),
    );
    rmSync(log);
    journald.log(["1"]);
    assert.equal(report().journal?.waiting, 1);
    sendAll(...both);
    assert.equal(report().journal?.waiting, 0);
  });

  it("tells how often systemd restarted Filebeat since the last report", () => {
    sendAll(...both);
    assert.equal(report().journal?.restarts, 0);
    writeFileSync(join(folder, "restarts"), "5\n");
    assert.equal(report().journal?.restarts, 3);
    assert.equal(report().journal?.restarts, 0);
  });

  it("restarts Filebeat where a reader does not move though lines wait, and says so", () => {
    sendAll(...both);
    journald.log(["1"], { uid: NOBODY });
    const restarts = () =>
      (readFileSync(join(folder, "calls"), "utf8").match(/^restart filebeat$/gm) ?? []).length;
    report();
    for (let n = 0; n < 2; n++) report();
    assert.equal(restarts(), 0);
    report();
    assert.equal(restarts(), 1);
    assert.equal(report().journal?.restarts, 1);
    assert.equal(restarts(), 1, "not again at once");
  });

  it("does not restart Filebeat where no reader moves: Elasticsearch does not answer", () => {
    sendAll(...both);
    journald.log(["1"]);
    journald.log(["2"], { uid: NOBODY });
    for (let n = 0; n < 13; n++) assert.ok((report()["journal-others"]?.waiting ?? 0) > 0);
    assert.doesNotMatch(readFileSync(join(folder, "calls"), "utf8"), /^restart/m);
  });

  it("counts the bytes of a log that was truncated or replaced before it was read", () => {
    sendAll(...both);
    const log = join(folder, "audit.log");
    const read = (offset: number) =>
      record(`filestream::files::inode_marker::${statSync(log).ino}-marker`, { offset });
    const line = "x".repeat(99);
    writeFileSync(log, `${line}\n${line}\n`);
    read(100);
    assert.deepEqual([report(log)[log]?.waiting, report(log)[log]?.lost], [100, 0]);
    writeFileSync(log, "");
    assert.equal(report(log)[log]?.lost, 100, "truncated");
    writeFileSync(log, `${line}\n`);
    read(0);
    assert.equal(report(log)[log]?.lost, 0);
    renameSync(log, `${log}.1`);
    writeFileSync(log, "");
    assert.equal(report(log)[log]?.lost, 0, "rolled: what is in it is still read");
    writeFileSync(log, `${line}\n`);
    read(0);
    report(log);
    writeFileSync(join(folder, "other"), "");
    renameSync(join(folder, "other"), log);
    assert.equal(report(log)[log]?.lost, 100, "replaced");
  });
});
