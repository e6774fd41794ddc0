import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { CACHE } from "../../core/cache";
import { errorText } from "../../core/errors";
import { freePort, listenAnywhere, listens } from "../../core/ports";
import { ROOT } from "../../core/root";
import { poll, waitFor } from "../../core/wait";

describe("waiting for something", () => {
  it("ends as soon as it is there, whatever it is but undefined and false", async () => {
    for (const found of ["text", 0, "", null]) {
      const tries: (typeof found | undefined | false)[] = [undefined, false, found];
      assert.equal(await waitFor({ what: "it", seconds: 5, pauseMs: 1 }, () => tries.shift()), found);
      assert.deepEqual(tries, []);
    }
  });

  it("throws at the deadline, with what did not come and the details; or gives undefined", async () => {
    let tries = 0;
    const probe = () => void (tries += 1);
    await assert.rejects(
      waitFor({ what: "the alert", seconds: 0.03, pauseMs: 10, details: () => `: ${tries} tries` }, probe),
      /^Error: the alert did not come within 0\.03 seconds: [2-5] tries$/,
    );
    tries = 0;
    assert.equal(await poll({ seconds: 0 }, probe), undefined);
    assert.equal(tries, 1, "it looks at least once");
  });

  it("looks once more at the deadline, however long the pause", async () => {
    const started = Date.now();
    assert.equal(await poll({ seconds: 0.05, pauseMs: 60_000 }, () => Date.now() - started >= 50), true);
  });

  it("throws what the probe throws, at once", async () => {
    const probe = () => Promise.reject(new Error("gone for good"));
    await assert.rejects(waitFor({ what: "it", seconds: 60 }, probe), /^Error: gone for good$/);
  });
});

describe("ports of the loopback", () => {
  it("are free, or something listens on them", async () => {
    const free = await freePort();
    assert.equal(await listens(free), false);
    const server = createServer();
    try {
      assert.equal(await listens(await listenAnywhere(server)), true);
    } finally {
      server.close();
    }
  });
});

describe("the cache folder", () => {
  it("is the one of the shell scripts, under each of its variables", () => {
    const shell = (env: NodeJS.ProcessEnv) =>
      execFileSync("bash", ["-c", '. "$0" && printf %s "$CACHE"', join(ROOT, "core/shell.sh")], {
        env: { PATH: process.env.PATH, HOME: "/home/user", ...env },
        encoding: "utf8",
      });
    assert.equal(shell({}), "/home/user/.cache/dhis2-siem");
    assert.equal(shell({ XDG_CACHE_HOME: "/var/x" }), "/var/x/dhis2-siem");
    assert.equal(shell({ XDG_CACHE_HOME: "/var/x", DHIS2_SIEM_CACHE: "/var/c" }), "/var/c");
    assert.equal(shell(process.env), CACHE);
  });
});

describe("an error's text", () => {
  it("is its message, or the thing itself where something else was thrown", () => {
    assert.equal(errorText(new TypeError("no")), "no");
    assert.equal(errorText("no"), "no");
    assert.equal(errorText(undefined), "undefined");
  });
});
