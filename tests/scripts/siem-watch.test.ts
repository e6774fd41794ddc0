import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

describe("the SIEM's watch over itself", () => {
  it("passes its unit tests (test_siem_watch.py)", () => {
    const { status, stderr } = spawnSync("python3", ["-B", join(__dirname, "test_siem_watch.py")], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^Ran [1-9]\d* tests? /m);
  });
});
