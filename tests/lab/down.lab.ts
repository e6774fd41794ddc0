import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { down } from "../../lab/down";
import { CACHE } from "../../core/cache";
import { BRIDGE, LAB_STATE, LOGIN, SUDOERS } from "../../lab/places";
import { run } from "../../lab/shell";

describe("taking the lab down", () => {
  it("leaves only the cache behind", async () => {
    await down();
    assert.ok(!existsSync(LAB_STATE), "the lab's state");
    assert.ok(!readFileSync("/etc/passwd", "utf8").includes(`${LOGIN}:`), "the login");
    assert.ok(!existsSync(SUDOERS), "the login's sudo");
    assert.ok(!(await run("ip", ["-o", "link"])).includes(BRIDGE), "the bridge");
    assert.ok(existsSync(`${CACHE}/bin/pulumi`), "the cache stays");
  });
});
