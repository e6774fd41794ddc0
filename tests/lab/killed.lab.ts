import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createConnection } from "node:net";
import { join } from "node:path";
import { ROOT } from "../../core/root";
import { FORWARD } from "../../lab/places";
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

describe("a killed engine", () => {
  it("leaves no forward when the engine is killed in the middle, and the next update converges", async () => {
    const site = siteVariant("killed", (text) => {
      for (const entry of text.containers) entry.generation = 5;
    });
    const program = spawn(
      process.execPath,
      ["-r", join(ROOT, "core/register.js"), join(ROOT, "lab/main.ts"), "update", "--site", site],
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
    await until("the forward", 30, async () =>
      (await portIsOpen(FORWARD.elasticsearchPort)) ? true : undefined,
    );
    const engine = (await run("pgrep", ["-P", String(program.pid), "-f", "pulumi up"])).trim().split("\n")[0];
    assert.ok(engine);
    process.kill(Number(engine), "SIGKILL");
    await until("the end of the forward", 10, async () =>
      (await portIsOpen(FORWARD.elasticsearchPort)) ? undefined : true,
    );
    await until("the end of the program", 60, () =>
      Promise.resolve(program.exitCode === null ? undefined : true),
    );
    // `pulumi cancel` removes the lock that the killed engine left on the state.
    await (await labStack({ site })).cancel();
    assert.equal((await updateStack({ site })).summary.result, "succeeded");
    assert.equal(changes(await updateStack({ site })), "nothing changed");
  });
});
