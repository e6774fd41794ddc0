import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { down } from "../../lab/down";
import { CACHE, LAB_STATE } from "../../lab/places";
import { run } from "../../lab/shell";

describe("taking the lab down", () => {
  it("leaves nothing of it behind but the cache", async () => {
    await down();
    assert.ok(!existsSync(LAB_STATE), "the lab's state");
    assert.ok(!readFileSync("/etc/passwd", "utf8").includes("dhis2siem:"), "the login");
    assert.ok(!existsSync("/etc/sudoers.d/dhis2-siem-lab"), "the login's sudo");
    assert.ok(!(await run("ip", ["-o", "link"])).includes("dhis2siem0"), "the bridge");
    assert.ok(existsSync(`${CACHE}/bin/pulumi`), "the cache stays");
  });
});
