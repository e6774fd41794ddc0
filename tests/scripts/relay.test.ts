import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { RELAY_MODULES } from "../../relay";
import { quote } from "../../render/bundle";
import { loadScripts } from "../../scripts";
import { type Answers, curlAnswering } from "../support/curl";
import { movedScripts } from "../support/scripts";

const scripts = loadScripts();

/** Runs functions of relay.sh, with its folders in one of the test's own. */
function run(folder: string, script: string) {
  const { username, gid } = userInfo();
  const lib = scripts.lib
    .replaceAll("/run/", `${folder}/`)
    .replaceAll("/var/lib/dhis2-siem", `${folder}/state`);
  const request = scripts.request.replaceAll("/var/lib/dhis2-siem", `${folder}/state`);
  const relay = scripts.relay
    .replace(/^UNIT=.*$/m, `UNIT=${quote(`${folder}/unit`)}`)
    .replace(/^PROGRAM=.*$/m, `PROGRAM=${quote(`${folder}/program`)}`)
    .replace(/^SETTINGS=.*$/m, `SETTINGS=${quote(`${folder}/settings`)}`)
    .replaceAll("root:$RELAY", `${username}:${gid}`)
    .replaceAll("root:root", `${username}:${gid}`)
    .replaceAll('-g "$RELAY"', "");
  const lock = `mkdir -p ${quote(`${folder}/lock`)} ${quote(`${folder}/program`)}`;
  return spawnSync("bash", ["-c", `set -euo pipefail\n${lock}\n${lib}\n${request}\n${relay}\n${script}`], {
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
      `python3() { [ "$1" = -m ] || return 0; mkdir -p "$3/bin"; ${pip}; }; PIP_URL=http://mirror/simple; file_requirements() { echo 'setuptools==1'; }; begin relay; create_environment`,
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

  it("makes the environment anew for another Python, as after an upgrade of the system, and only then", () => {
    // A Python whose environments are a folder with a pip that has everything.
    const python3 = `python3() {
      [ "$1" != --version ] || { echo "Python $VERSION"; return; }
      mkdir -p "$3/bin"; printf '#!/bin/sh\\necho "$*" >>${folder}/pip\\n' >"$3/bin/pip"; chmod 755 "$3/bin/pip"; echo "$VERSION" >"$3/python"
    }`;
    const environment = (version: string) => {
      const files = "PIP_URL=https://pypi.org/simple; file_requirements() { echo 'setuptools==1'; }";
      const script = `VERSION=${version}; ${python3}; ${files}; begin relay; create_environment; printf '%s\n' \${CHANGED[@]+"\${CHANGED[@]}"}`;
      const { status, stdout, stderr } = run(folder, script);
      assert.equal(status, 0, stderr);
      const python = readFileSync(join(folder, "program/venv/python"), "utf8").trim();
      const kept = readdirSync(join(folder, "program")).filter((name) => name.startsWith("venv-")).length;
      return { python, kept, changed: stdout.trim() };
    };
    const changed = join(folder, "program/venv");
    assert.deepEqual(environment("3.11.2"), { python: "3.11.2", kept: 1, changed });
    assert.deepEqual(environment("3.11.2"), { python: "3.11.2", kept: 1, changed: "" });
    assert.deepEqual(environment("3.13.5"), { python: "3.13.5", kept: 1, changed });
    const calls = readFileSync(join(folder, "pip"), "utf8").trim().split("\n");
    assert.equal(calls.length, 4);
    for (const call of calls)
      assert.match(call, /^install .*--no-deps --require-hashes --index-url https:\/\/pypi\.org\/simple /);
  });

  it("takes away the rule of a destination that is gone, also from what verify looks for", () => {
    const files = "file_rule_0() { echo a; }; file_rule_1() { echo b; }";
    assert.equal(run(folder, `${files}; RULES="mail hook"; begin relay; write_rules; finish`).status, 0);
    const { stdout, stderr } = run(
      folder,
      `${files}; RULES=hook; begin relay; write_rules; for path in "\${CHANGED[@]}"; do echo "changed $(basename "$path")"; done; finish`,
    );
    assert.equal(stderr, "");
    assert.deepEqual(readdirSync(join(folder, "settings/rules")), ["hook.yaml"]);
    assert.equal(readFileSync(join(folder, "settings/rules/hook.yaml"), "utf8"), "a\n");
    assert.match(stdout, /changed mail\.yaml/);
    assert.doesNotMatch(stdout, /"file":"[^"]*mail\.yaml"/);
    assert.match(stdout, /"file":"[^"]*hook\.yaml"/);
  });

  describe("and the mappings of the state that is there", () => {
    const STATE = ["PUT /state/_mapping", "PUT /state_status/_mapping"] as const;
    const mappings = '{"dynamic":false}';

    /** The whole step beside a relay that runs; gives what was asked of Elasticsearch and systemd, in order. */
    function apply(answers: Answers) {
      const asked = join(folder, "asked");
      const done = run(
        folder,
        `STATE="state state_status" RULES=mail
        mkdir -p ${folder}/state/secrets; echo the-password >${folder}/state/secrets/elastic
        check_python() { :; }; need_packages() { :; }; create_environment() { :; }; getent() { :; }
        for name in ${RELAY_MODULES.map((name) => `${name}_py`).join(" ")} ca config rule_0; do eval "file_$name() { echo $name; }"; done
        file_mappings() { echo '${mappings}'; }
        systemctl() { echo "systemctl $*" >>${asked}; }
        ${curlAnswering(answers, asked)}
        main apply`,
      );
      return { ...done, asked: readFileSync(asked, "utf8").trim().split("\n") };
    }

    it("gives them to both indices before the relay is restarted", () => {
      const { status, stderr, asked } = apply({ [STATE[0]]: [200, "{}"], [STATE[1]]: [200, "{}"] });
      assert.deepEqual([status, stderr], [0, ""]);
      assert.deepEqual(asked.slice(0, 2), [`${STATE[0]} ${mappings}`, `${STATE[1]} ${mappings}`]);
      assert.equal(asked.at(-1), "systemctl restart dhis2-siem-relay");
    });

    it("leaves it to the template where the relay has not run yet", () => {
      const { status, stderr } = apply({ [STATE[0]]: [404, "no such index"], [STATE[1]]: [404, ""] });
      assert.deepEqual([status, stderr], [0, ""]);
    });

    it("fails with Elasticsearch's words where it refuses them, and puts nothing in place", () => {
      const words = "mapper [urgent] cannot be changed from type [boolean] to [keyword]";
      const { status, stderr, asked } = apply({ [STATE[0]]: [400, words] });
      assert.equal(status, 1);
      assert.ok(
        stderr.includes(`the mappings of state cannot be changed: Elasticsearch answers 400: ${words}`),
      );
      assert.equal(asked.length, 1);
      assert.throws(() => readFileSync(join(folder, "program/lib/siem_relay.py")));
    });
  });
});

describe("relay-start.sh", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-relay-start-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The step where the relay's journal has these lines; a wait is one look. */
  function apply(journal: readonly string[]) {
    const moved = movedScripts(folder, "lib", "relay-start").replaceAll("/etc/", `${folder}/etc/`);
    const stubs = `chown() { echo "for $1"; }; systemctl() { echo "systemctl $*"; }; wait_until() { "\${@:3}"; }
      journalctl() { printf '%s\\n' ${journal.map(quote).join(" ")}; }; secret_relay() { echo '{"destinations":{}}'; }`;
    const bash = `set -euo pipefail\n${moved}\n${stubs}\nRULES="mail hook"; main apply`;
    return spawnSync("bash", ["-c", bash], { encoding: "utf8" });
  }
  const [MAIL, HOOK] = ["INFO mail: looks for alerts", "INFO hook: looks for alerts"];

  it("gives the relay its secrets, which nobody else may read, and starts it", () => {
    const { status, stdout } = apply([MAIL, HOOK]);
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^for root:dhis2-siem-relay\nsystemctl enable .*\nsystemctl restart dhis2-siem-relay\n/,
    );
    assert.equal(statSync(join(folder, "etc/dhis2-siem-relay/secrets.json")).mode & 0o777, 0o640);
  });

  it("fails where one of the destinations is not looked after", () => {
    const { status, stderr } = apply(["INFO mail: looks for alerts for ever", HOOK]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /hook: looks for alerts\nsiem: error: the relay does not look for alerts of every destination/,
    );
  });
});
