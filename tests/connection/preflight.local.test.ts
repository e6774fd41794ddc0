import assert from "node:assert/strict";
import { createServer } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import type { ForwardTarget } from "../../connection/forward";
import { preflight } from "../../connection/preflight";
import type { SshRequest } from "../../config/ssh";
import { freePort, listens, LOOPBACK } from "../../core/ports";
import * as servers from "../../lab/bench/ssh-servers";
import { soon } from "../support/soon";

const [hostKeys, login, stranger] = [servers.keys(), servers.keys(), servers.keys()];

describe("before an update touches anything", function () {
  const SECONDS = 1;
  afterEach(() => servers.endAll());

  /** A host that takes the login, and a forward to a server that is there (or not yet). */
  async function site(forwarding: "allowed" | "prohibited" = "allowed") {
    const { port, sessions } = await servers.sshServer({
      hostPrivateKey: hostKeys.private,
      authorized: login.public,
      forwarding,
    });
    const host = { host: LOOPBACK, port, user: "admin", hostKey: hostKeys.public };
    const ssh: SshRequest = { ...host, privateKey: login.private };
    const target: ForwardTarget = {
      localPort: await freePort(),
      host: LOOPBACK,
      port: await servers.listenTillEnd(createServer()),
    };
    return { ssh, target, sessions };
  }

  async function look(ssh: SshRequest, targets: readonly ForwardTarget[], preview = false): Promise<void> {
    const mocks = { call: () => ({}), newResource: () => ({ id: "", state: {} }) };
    await pulumi.runtime.setMocks(mocks, "dhis2-siem", "prod", preview);
    await preflight(ssh, targets, SECONDS);
  }

  /** Checks that it fails soon, with an error of one line. */
  async function refuses(ssh: SshRequest, targets: readonly ForwardTarget[], line: RegExp): Promise<void> {
    const started = Date.now();
    await assert.rejects(look(ssh, targets), (error: Error) => {
      assert.ok(error instanceof pulumi.RunError);
      assert.match(error.message, line);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
    assert.ok(Date.now() - started < 12_000, "it took more than 12 s");
  }

  it("all is well where the host lets us in and forwards, and nothing of it stays open", async () => {
    const { ssh, target, sessions } = await site();
    await look(ssh, [target]);
    await soon("the end of the session", () => sessions.size === 0);
    assert.equal(await listens(target.localPort), false);
  });

  it("a server that is not there yet is no matter: the update makes it", async () => {
    const { ssh, target } = await site();
    await look(ssh, [{ ...target, port: await freePort() }]);
  });

  it("a host where nothing listens is said", async () => {
    const { ssh, target } = await site();
    await refuses({ ...ssh, port: await freePort() }, [target], /refuses the connection/);
  });

  it("a host that stays silent is said", async () => {
    const { ssh } = await site();
    const port = await servers.listenTillEnd(createServer());
    await refuses({ ...ssh, port }, [], /stays silent \(no SSH answer within 1 s\)/);
  });

  it("a key that the host does not take is said", async () => {
    const { ssh, target } = await site();
    await refuses({ ...ssh, privateKey: stranger.private }, [target], /does not accept the SSH key .* admin/);
  });

  it("another host key is said", async () => {
    const { ssh, target } = await site();
    await refuses({ ...ssh, hostKey: stranger.public }, [target], /shows the wrong host key/);
  });

  it("a host that prohibits forwarding is said, and does for direct access", async () => {
    const { ssh, target } = await site("prohibited");
    await refuses(ssh, [target], /prohibits forwarding to 127\.0\.0\.1:\d+: set AllowTcpForwarding/);
    await look(ssh, []);
  });

  for (const [what, server] of [
    ["is silent", createServer()],
    ["talks", createServer((socket) => socket.write("hello\n"))],
  ] as const) {
    it(`a port that something else has, which ${what}, is said`, async () => {
      const { ssh, target } = await site();
      const localPort = await servers.listenTillEnd(server);
      await refuses(ssh, [{ ...target, localPort }], /is used by a program that is not a forward/);
    });
  }

  for (const [what, listen] of [
    ["to a server that is there", () => servers.httpsServer(servers.certificate())],
    [
      "to one that is not there yet",
      () => servers.listenTillEnd(createServer((socket) => socket.once("data", () => socket.end()))),
    ],
  ] as const) {
    it(`a port with what may be a forward by hand, ${what}, is left to be looked at later`, async () => {
      // As on a host where this login may not forward, and another login opened the forward.
      const { ssh, target } = await site("prohibited");
      await look(ssh, [{ ...target, localPort: await listen() }]);
    });
  }

  it("and not before a preview", async () => {
    const { ssh } = await site();
    await look({ ...ssh, port: await freePort() }, [], true);
  });
});
