import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "../../render/bundle";
import { loadScripts } from "../../scripts";

const { lib } = loadScripts();

/** Runs a piece of script after lib.sh, with its work folder and marks in a folder of the test's own. */
function run(folder: string, script: string) {
  const text = lib.replaceAll("/run/", `${folder}/`).replaceAll("/var/lib/dhis2-siem", `${folder}/state`);
  return spawnSync(
    "bash",
    ["-c", `set -euo pipefail\nmkdir -p ${quote(`${folder}/lock`)}\n${text}\nRETRY=""\n${script}`],
    {
      encoding: "utf8",
    },
  );
}

describe("lib.sh", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-lib-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (content: string) =>
    `put_file ${folder}/f 0640 "$(id -un)" < <(printf %s ${quote(content)}); changed ${folder}/f && echo changed || echo same`;

  it("writes a file once, with its mode", () => {
    assert.equal(run(folder, put("a")).stdout, "changed\n");
    assert.equal(readFileSync(join(folder, "f"), "utf8"), "a");
    assert.equal(statSync(join(folder, "f")).mode & 0o777, 0o640);
    assert.equal(run(folder, put("a")).stdout, "same\n");
    assert.equal(run(folder, put("b")).stdout, "changed\n");
  });

  const checked = (test: string) =>
    `keep_file ${folder}/c; put_file ${folder}/c 0644 "$(id -un)" < <(echo new); t() { ${test}; }; r() { echo reloaded; }; apply_checked t r ${folder}/c`;

  it("reloads a server whose config test passes", () => {
    const result = run(folder, checked("true"));
    assert.equal(result.stdout, "reloaded\n");
    assert.equal(readFileSync(join(folder, "c"), "utf8"), "new\n");
  });

  it("puts the old file back, without a reload, and shows the test's words where it fails", () => {
    writeFileSync(join(folder, "c"), "old\n");
    const result = run(folder, checked("echo 'line 3: bad'; false"));
    assert.equal(result.status, 1);
    assert.equal(result.stdout, "");
    assert.match(
      result.stderr,
      /line 3: bad\nsiem: error: 't' refuses the new configuration; the old one was put back/,
    );
    assert.equal(readFileSync(join(folder, "c"), "utf8"), "old\n");
  });

  it("takes a new file away again where the test fails", () => {
    run(folder, checked("false"));
    assert.throws(() => statSync(join(folder, "c")));
  });

  it("does not test what did not change", () => {
    writeFileSync(join(folder, "c"), "new\n");
    assert.equal(run(folder, checked("false")).status, 0);
  });

  it("takes everything as changed after a run that was cut off", () => {
    const begin = `begin one; ${put("a")}`;
    assert.equal(run(folder, `${begin}; finish`).stdout, "changed\n");
    assert.equal(run(folder, begin).stdout, "same\n");
    assert.equal(run(folder, `${begin}; finish`).stdout, "changed\n");
    assert.equal(run(folder, begin).stdout, "same\n");
  });

  it("gives up waiting after the deadline", () => {
    const result = run(folder, "wait_until 1 'the impossible' false || echo over");
    assert.equal(result.stdout, "over\n");
    assert.match(result.stderr, /gave up waiting for the impossible/);
  });
});
