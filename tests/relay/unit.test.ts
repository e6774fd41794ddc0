import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

describe("the relay's Python", function () {
  // The first run makes its environment (relay/run.sh).
  this.timeout(300_000);

  for (const name of ["test_relay.py", "test_hostile.py", "test_heartbeat.py"])
    it(`passes its unit tests (${name})`, () => {
      const args = [join(__dirname, "../../relay/run.sh"), join(__dirname, name)];
      const { status, stderr } = spawnSync("bash", args, { encoding: "utf8" });
      assert.equal(status, 0, stderr);
      assert.match(stderr, /^Ran [1-9]\d* tests? /m);
    });
});
