import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createConnection } from "node:net";
import { join } from "node:path";
import { alertsSince, guessPasswords } from "../../lab/attack";
import { labOutputs } from "../../lab/outputs";
import { LXD_PROJECT, ROOT } from "../../lab/places";
import { field } from "../../lab/report";
import { run, until } from "../../lab/shell";
import { labStack } from "../../lab/stack";
import { changes, updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";

function portIsOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

describe("recovery", () => {
  it("makes everything anew after the siem container was deleted by hand, in one update", async () => {
    const before = await labOutputs();
    await run("lxc", ["--project", LXD_PROJECT, "delete", "--force", "siem"]);
    const site = siteVariant("rebuilt", (text) => {
      for (const entry of text.containers) if (entry.name === "siem") entry.generation = 2;
    });
    const result = await updateStack({ site });
    assert.match(changes(result), /replace|create/);
    const outputs = await labOutputs({ site });
    assert.equal(outputs.elasticPassword, before.elasticPassword, "passwords are kept");
    assert.notEqual(outputs.caFingerprint, before.caFingerprint);
    const since = await guessPasswords("admin");
    const alerts = await alertsSince(
      outputs.login,
      outputs.alertIndex,
      since,
      (alert) => field(alert, "dhis2.alert.entity") === "admin",
    );
    assert.ok(alerts.length > 0);
    assert.equal(changes(await updateStack({ site })), "nothing changed");
  });

  it("leaves no forward when the engine is killed in the middle, and the next update converges", async () => {
    const site = siteVariant("rebuilt", (text) => {
      for (const entry of text.containers) entry.generation = 5;
    });
    const program = spawn(
      process.execPath,
      ["-r", join(ROOT, "tools/register.js"), join(ROOT, "lab/main.ts"), "update", "--site", site],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    program.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    program.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await until("an agent's update", 180, () =>
      Promise.resolve(/agent-\w+-settings updating/.test(output) ? true : undefined),
    );
    await until("the forward", 30, async () => ((await portIsOpen(19200)) ? true : undefined));
    const engine = (await run("pgrep", ["-P", String(program.pid), "-f", "pulumi up"])).trim().split("\n")[0];
    assert.ok(engine);
    process.kill(Number(engine), "SIGKILL");
    await until("the end of the forward", 10, async () => ((await portIsOpen(19200)) ? undefined : true));
    await until("the end of the program", 60, () =>
      Promise.resolve(program.exitCode === null ? undefined : true),
    );
    // The killed engine's lock on the state: `pulumi cancel`.
    await (await labStack({ site })).cancel();
    assert.equal((await updateStack({ site })).summary.result, "succeeded");
    assert.equal(changes(await updateStack({ site })), "nothing changed");
  });
});
