import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { quote } from "../../render/bundle";
import { loadScripts } from "../../scripts";

const scripts = loadScripts();

/** Runs functions of relay.sh, with its folders in one of the test's own. */
function run(folder: string, script: string) {
  const { username, gid } = userInfo();
  const lib = scripts.lib
    .replaceAll("/run/", `${folder}/`)
    .replaceAll("/var/lib/dhis2-siem", `${folder}/state`);
  const relay = scripts.relay
    .replace(/^PROGRAM=.*$/m, `PROGRAM=${quote(`${folder}/program`)}`)
    .replace(/^SETTINGS=.*$/m, `SETTINGS=${quote(`${folder}/settings`)}`)
    .replaceAll("root:$RELAY", `${username}:${gid}`)
    .replaceAll('-g "$RELAY"', "");
  const lock = `mkdir -p ${quote(`${folder}/lock`)} ${quote(`${folder}/program`)}`;
  return spawnSync("bash", ["-c", `set -euo pipefail\n${lock}\n${lib}\n${relay}\n${script}`], {
    encoding: "utf8",
  });
}

describe("relay.sh", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-relay-sh-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("refuses a system whose Python is too old, and says what to do", () => {
    const python3 = 'python3() { [ "$1" = --version ] && echo "Python 3.10.12"; }';
    const { status, stderr } = run(folder, `${python3}; check_python`);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /needs Python 3\.11 or newer, and .* has Python 3\.10\.12; make the container from a newer image/,
    );
  });

  it("says whose words it shows where the packages cannot be had", () => {
    const pip = `printf '#!/bin/sh\\necho no such index; exit 1\\n' >"$3/bin/pip"; chmod 755 "$3/bin/pip"`;
    const { status, stderr } = run(
      folder,
      `python3() { [ "$1" = -m ] || return 0; mkdir -p "$3/bin"; ${pip}; }; PIP_URL=http://mirror/simple; file_requirements() { echo 'setuptools==1'; }; begin relay; environment`,
    );
    assert.equal(status, 1);
    assert.match(
      stderr,
      /no such index\nsiem: error: the relay's packages cannot be installed from http:\/\/mirror\/simple /,
    );
    assert.deepEqual(
      readdirSync(join(folder, "program")).filter((name) => name === "venv"),
      [],
    );
  });

  it("takes away the rule of a destination that is gone, also from what verify looks for", () => {
    const files = "file_rule_0() { echo a; }; file_rule_1() { echo b; }";
    assert.equal(run(folder, `${files}; RULES="mail hook"; begin relay; rules; finish`).status, 0);
    const { stdout, stderr } = run(
      folder,
      `${files}; RULES=hook; begin relay; rules; for path in "\${CHANGED[@]}"; do echo "changed $(basename "$path")"; done; finish`,
    );
    assert.equal(stderr, "");
    assert.deepEqual(readdirSync(join(folder, "settings/rules")), ["hook.yaml"]);
    assert.equal(readFileSync(join(folder, "settings/rules/hook.yaml"), "utf8"), "a\n");
    assert.match(stdout, /changed mail\.yaml/);
    assert.doesNotMatch(stdout, /"file":"[^"]*mail\.yaml"/);
    assert.match(stdout, /"file":"[^"]*hook\.yaml"/);
  });
});
