import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scripts } from "../../scripts";
import { movedScripts } from "../support/scripts";

const SECRETS = {
  elastic: "e1",
  kibana_system: "k1",
  key_objects: "o1",
  key_reporting: "r1",
  key_security: "s1",
};

describe("the servers' secrets", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-secrets-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs some bash after scripts, with their folders in the test's own. */
  function run(scripts: readonly (keyof Scripts)[], bash: string) {
    const moved = movedScripts(folder, "lib", ...scripts);
    return spawnSync("bash", ["-c", `set -euo pipefail\n${moved}\n${bash}`], { encoding: "utf8" });
  }
  const file = (name: string) => join(folder, "state/secrets", name);
  const kept = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), "utf8") : undefined);

  /** Runs elastic-secrets.sh with these in place of the first ones. */
  function apply(secrets: Partial<typeof SECRETS> = {}) {
    const functions = Object.entries({ ...SECRETS, ...secrets }).map(
      ([name, value]) => `secret_${name}() { printf %s ${value}; }`,
    );
    return run(["elastic-secrets"], `${functions.join("\n")}\nmain apply`);
  }

  it("are kept for root alone, and nothing of them is printed", () => {
    const { status, stdout, stderr } = apply();
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
    for (const [name, value] of Object.entries(SECRETS)) {
      assert.equal(kept(name), value);
      assert.equal(statSync(file(name)).mode & 0o777, 0o600);
    }
    assert.equal(statSync(join(folder, "state/secrets")).mode & 0o777, 0o700);
  });

  it("that change leave the one before, until the cluster has the new one", () => {
    apply();
    apply({ elastic: "e2" });
    assert.deepEqual([kept("elastic"), kept("elastic.previous")], ["e2", "e1"]);
    apply({ elastic: "e3" });
    assert.deepEqual([kept("elastic"), kept("elastic.previous")], ["e3", "e1"], "the cluster knows e1 still");
    assert.equal(kept("kibana_system.previous"), undefined);
  });

  it("of another stack are refused before anything is changed", () => {
    apply();
    const { status, stderr } = apply({ elastic: "e9", key_objects: "o9" });
    assert.equal(status, 1);
    assert.match(stderr, /siem: error: Elasticsearch and Kibana in \S+ were set up by another stack/);
    assert.equal(kept("elastic"), "e1");
  });

  it("give the cluster a new password by the one before (elastic.sh)", () => {
    apply();
    apply({ elastic: "e2" });
    writeFileSync(join(folder, "password"), "e1");
    const cluster = `RETRY=""
      send_request() {
        local password body=""
        password=$(cat "$SECRETS/\${1#*@}")
        echo 401 >"$WORK/status"
        [ "$password" != "$(cat ${folder}/password)" ] || {
          echo 200 >"$WORK/status"
          [ -z "\${4:-}" ] || sed 's/.*"password":"\\(.*\\)"}/\\1/' "$4" | tr -d '\\n' >${folder}/password
        }
        cat "$WORK/status"
      }
      elasticsearch_healthy && echo healthy || echo refused`;
    assert.equal(run(["request", "elastic"], cluster).stdout, "healthy\n");
    assert.equal(readFileSync(join(folder, "password"), "utf8"), "e2");
    writeFileSync(join(folder, "password"), "of somebody else");
    assert.equal(run(["request", "elastic"], cluster).stdout, "refused\n");
  });
});
