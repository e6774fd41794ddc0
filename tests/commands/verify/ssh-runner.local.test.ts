import assert from "node:assert/strict";
import type { ServerChannel } from "ssh2";
import { openHost } from "../../../commands/site/ssh-runner";
import { LOOPBACK } from "../../../core/ports";
import { atEnd, endAll, keys, sshServer } from "../../../lab/bench/ssh-servers";

/** Returns a host on which every command does the same. */
async function host(exec: (command: string, channel: ServerChannel) => void) {
  const [hostKeys, login] = [keys(), keys()];
  const { port } = await sshServer({ hostPrivateKey: hostKeys.private, authorized: login.public, exec });
  const at = { host: LOOPBACK, port, user: "admin" };
  const session = await openHost({ ...at, hostKey: hostKeys.public, privateKey: login.private });
  atEnd(session.close);
  return session.run;
}

function ends(channel: ServerChannel, code: number): void {
  channel.exit(code);
  channel.end();
}

describe("a command on a stack's host", () => {
  afterEach(endAll);

  it("gets its stdin, and gives its stdout", async () => {
    const run = await host((command, channel) => {
      channel.on("data", (text: Buffer) => channel.write(`${command}: ${text.toString()}`));
      channel.on("end", () => ends(channel, 0));
    });
    assert.equal(await run("cat", "hello"), "cat: hello");
  });

  it("fails with the last line that it said, or with its code", async () => {
    const run = await host((command, channel) => {
      if (command === "sudo") channel.stderr.write("a note\nsudo: a password is required\n");
      ends(channel, 3);
    });
    await assert.rejects(run("sudo"), /^Error: a command on the host failed: sudo: a password is required$/);
    await assert.rejects(run("mute"), /failed: it ended with code 3$/);
  });

  it("is given up after its time, and what it said until then is not taken for the reason", async () => {
    const run = await host((_, channel) => channel.stderr.write("dhis could not be looked into\n"));
    await assert.rejects(run("look", "", 0.3), /^Error: .* failed: the host did not finish within 0.3 s$/);
  });

  it("fails where the connection ends", async () => {
    const run = await host((_, channel) => channel.close());
    await assert.rejects(run("look"), /failed: the connection ended before it$/);
  });
});
