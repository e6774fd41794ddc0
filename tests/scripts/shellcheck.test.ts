import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { ROOT } from "../../core/root";

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

  const lines = (pattern: string) =>
    spawnSync("grep", ["-nE", pattern, ...files], { cwd: ROOT, encoding: "utf8" }).stdout;

  it("names no snap-hostile file push", () => assert.equal(lines("lxc file push"), ""));

  // With `pipefail` the pipe fails, now and then, when grep is done before its left side has said all: a "yes" becomes a "no".
  it("asks no pipe whether something is in it", () => {
    assert.equal(lines(String.raw`\|\s*grep (-\S+ )*-\w*q`), "");
  });
});
