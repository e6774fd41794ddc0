import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

describe("shell", () => {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.sh"], {
    cwd: ROOT,
    encoding: "utf8",
  })
    .split("\n")
    .filter((file) => file !== "" && !file.startsWith("sdks/"));

  it("is found", () => assert.ok(files.length >= 10, files.join(" ")));

  it("passes shellcheck, every file", () => {
    const result = spawnSync("shellcheck", ["--external-sources", ...files], { cwd: ROOT, encoding: "utf8" });
    assert.equal(result.error, undefined, "shellcheck is not installed");
    assert.equal(result.stdout, "");
  });

  it("names no snap-hostile file push", () => {
    const found = spawnSync("grep", ["-lE", "lxc file push", ...files], { cwd: ROOT, encoding: "utf8" });
    assert.equal(found.stdout, "");
  });
});
