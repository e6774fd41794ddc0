import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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

  it("gives a file to its owner before it is in place", () => {
    const chown = `chown() { [ ! -e ${folder}/f ] && echo "for $1"; }`;
    assert.equal(
      run(folder, `${chown}; put_file ${folder}/f 0640 root:kibana < <(echo a)`).stdout,
      "for root:kibana\n",
    );
  });

  it("lets nobody else write into a folder that it makes", () => {
    const before = process.umask(0);
    try {
      run(folder, `put_file ${folder}/d/f 0644 "$(id -un)" < <(echo a)`);
    } finally {
      process.umask(before);
    }
    assert.equal(statSync(join(folder, "d")).mode & 0o777, 0o755);
  });

  it("leaves none of its work files behind, where secrets may have passed through", () => {
    const begun = `echo secret >"$WORK/password"; [ "$(stat -c %a "$WORK")" = 700 ]`;
    assert.equal(run(folder, begun).status, 0);
    assert.equal(run(folder, `${begun}; die 'it fails'`).status, 1);
    assert.deepEqual(readdirSync(folder), ["lock"]);
  });

  const checked = (test: string, reload = "echo reloaded") =>
    `back_up_file ${folder}/c; put_file ${folder}/c 0644 "$(id -un)" < <(echo new); t() { ${test}; }; r() { ${reload}; }; apply_checked t r ${folder}/c`;

  it("reloads a server whose config test passes", () => {
    const result = run(folder, checked("true"));
    assert.equal(result.stdout, "reloaded\n");
    assert.equal(readFileSync(join(folder, "c"), "utf8"), "new\n");
  });

  it("does not hide a reload that fails", () => {
    const { status, stderr } = run(folder, checked("true", "false"));
    assert.deepEqual([status, stderr], [1, "siem: error: 'r' failed\n"]);
  });

  it("puts the old file back, without a reload, and shows the test's words where it fails", () => {
    writeFileSync(join(folder, "c"), "old\n");
    const result = run(folder, checked("echo 'line 3: bad'; false"));
    assert.equal(result.status, 1);
    assert.equal(result.stdout, "");
    assert.match(
      result.stderr,
      /line 3: bad\nsiem: error: 't' refuses the new configuration; the old configuration was restored/,
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
    const said = (script: string) => run(folder, script).stdout.split("\n", 1)[0];
    assert.equal(said(`${begin}; finish`), "changed");
    assert.equal(said(begin), "same");
    assert.equal(said(`${begin}; finish`), "changed");
    assert.equal(said(begin), "same");
  });

  it("goes no further while another run holds the lock", () => {
    const { status, stdout, stderr } = run(folder, `flock() { return 1; }; begin one; ${put("a")}`);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /another run of 'one' has been going on for fifteen minutes/);
  });

  it("says at its end what it put in place, in this run or before", () => {
    const file = (name: string, content: string) =>
      `put_file ${folder}/${name} 0644 "$(id -un)" < <(printf %s ${quote(content)})`;
    const said = (name: string, content: string) =>
      JSON.stringify({
        file: `${folder}/${name}`,
        sha256: createHash("sha256").update(content).digest("hex"),
      });
    const lines = (script: string) => run(folder, script).stdout.trimEnd().split("\n");
    assert.deepEqual(lines(`begin one; ${file("b", "1")}; ${file("a", "2")}; finish`), [
      said("a", "2"),
      said("b", "1"),
    ]);
    // Edited by somebody else: what the script wrote is what counts.
    writeFileSync(join(folder, "a"), "edited");
    assert.deepEqual(lines(`begin one; ${file("b", "3")}; finish`), [said("a", "2"), said("b", "3")]);
    assert.equal(run(folder, "begin two; finish").stdout, "", "another script has files of its own");
  });

  it("forgets a file of an earlier run that is gone, and none that it put in place now", () => {
    const file = (name: string) => `put_file ${folder}/${name} 0644 "$(id -un)" < <(echo x)`;
    const paths = (script: string) =>
      [...run(folder, script).stdout.matchAll(/"file":"([^"]*)"/g)].map(([, path = ""]) =>
        path.slice(folder.length + 1),
      );
    assert.deepEqual(paths(`begin one; ${file("13/conf")}; ${file("15/conf")}; finish`), [
      "13/conf",
      "15/conf",
    ]);
    rmSync(join(folder, "13"), { recursive: true });
    assert.deepEqual(paths(`begin one; ${file("17/conf")}; finish`), ["15/conf", "17/conf"]);
    assert.deepEqual(paths(`begin one; ${file("17/conf")}; rm ${folder}/17/conf; finish`), [
      "15/conf",
      "17/conf",
    ]);
    rmSync(join(folder, "15"), { recursive: true });
    rmSync(join(folder, "17"), { recursive: true });
    assert.deepEqual(paths("begin one; finish"), []);
  });

  it("gives up waiting after the deadline", () => {
    const result = run(folder, "wait_until 1 'the impossible' false || echo over");
    assert.equal(result.stdout, "over\n");
    assert.match(result.stderr, /gave up waiting for the impossible after 1 s$/m);
  });

  it("says what it waits for, once a wait is not over at once, and nothing where it is", () => {
    const fast = "sleep() { SECONDS=$((SECONDS + $1)); }";
    const slow = run(folder, `${fast}; wait_until 9 'the seventh second' eval '[ $SECONDS -ge 7 ]'`);
    assert.equal(slow.stderr, "siem: waiting for the seventh second: 5 s of at most 9\n");
    assert.equal(run(folder, "wait_until 9 'the present' true").stderr, "");
  });
});
