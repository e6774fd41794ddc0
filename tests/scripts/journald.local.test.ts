import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { waitFor } from "../../core/wait";
import { loadScripts } from "../../scripts";
import { renderJournaldConf } from "../../sources/system";
import { Journald } from "../support/journald";

/** What logging.sh adds to the settings on a disk of this size. */
function sizes(megabytes: number): Record<string, number> {
  const script = `${loadScripts()["sources/system/logging"]}\njournald_sizes ${megabytes}`;
  const { stdout, stderr } = spawnSync("bash", ["-euo", "pipefail", "-c", script], { encoding: "utf8" });
  assert.equal(stderr, "");
  return Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split("="))
      .map(([key = "", value = ""]) => [key, parseInt(value, 10)]),
  );
}

describe("journald's settings", () => {
  it("use a tenth of the disk, from 512 MB to 4 GB, and leave a twentieth free", () => {
    assert.deepEqual(sizes(3000), { SystemMaxUse: 512, SystemKeepFree: 150, SystemMaxFileSize: 8 });
    assert.deepEqual(sizes(20_000), { SystemMaxUse: 2000, SystemKeepFree: 1000, SystemMaxFileSize: 31 });
    assert.deepEqual(sizes(500_000), { SystemMaxUse: 4096, SystemKeepFree: 25_000, SystemMaxFileSize: 64 });
  });

  it("have room for the size in the number of files that they allow", () => {
    const files = Number(/SystemMaxFiles=(\d+)/.exec(renderJournaldConf())?.[1]);
    for (const disk of [3000, 20_000, 500_000]) {
      const { SystemMaxUse = 0, SystemMaxFileSize = 0 } = sizes(disk);
      assert.ok(SystemMaxFileSize * files > SystemMaxUse, `${disk}`);
    }
  });

  describe("on a real journald", function () {
    this.timeout(60_000);
    const journald = new Journald(`siem-${process.pid}`);
    before(function () {
      const missing = Journald.missing();
      if (missing === undefined) return;
      console.log(`      skipped: ${missing}`);
      this.skip();
    });
    afterEach(() => journald.stop());

    it("keep a service's line with a user name of 1 MB as one line", async () => {
      await journald.start(`${renderJournaldConf()}SystemMaxUse=512M\nSystemMaxFileSize=8M\n`);
      const name = `${"x".repeat(1_000_000)} Authentication event: AuthenticationFailureLockedEvent; username: a`;
      await journald.print(`Authentication event; username: ${name}; ip: 8.8.8.8\nthe next line\n`);
      const service = () => journald.entries("SYSLOG_IDENTIFIER=service").map(({ MESSAGE = "" }) => MESSAGE);
      await waitFor({ what: "the next line", seconds: 10, pauseMs: 100 }, () =>
        service().includes("the next line"),
      );
      assert.deepEqual(
        service().map((line) => line.length),
        [name.length + 45, "the next line".length],
      );
    });
  });
});
