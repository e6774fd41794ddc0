import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { ForwardTarget } from "../../connection/forward";
import { claimPort, serveForward } from "../../connection/ports";
import { connectSsh } from "../../connection/ssh";
import { freePort, listens, LOOPBACK } from "../../core/ports";
import * as servers from "../../lab/bench/ssh-servers";

const siem = servers.certificate();
const me = { label: "prod", engine: "127.0.0.1:1" };

function target(localPort: number): ForwardTarget {
  return { localPort, host: LOOPBACK, port: 9200, tls: { caPem: siem.cert } };
}

/** A port that a forward of `holder` serves, through a real SSH session. */
async function servedBy(holder: typeof me): Promise<number> {
  const [hostKeys, login] = [servers.keys(), servers.keys()];
  const { port } = await servers.sshServer({ hostPrivateKey: hostKeys.private, authorized: login.public });
  const ssh = { host: LOOPBACK, port, user: "admin", hostKey: hostKeys.public, privateKey: login.private };
  const client = await connectSsh(ssh);
  const localPort = await freePort();
  const server = await serveForward(
    client,
    { ...target(localPort), port: await servers.httpsServer(siem) },
    holder,
  );
  servers.atEnd(async () => {
    client.end();
    await new Promise((closed) => server.close(closed));
  });
  return localPort;
}

describe("a forward's port", function () {
  this.timeout(15_000);
  afterEach(() => servers.endAll());

  it("is free where nothing listens, and stays so", async () => {
    const port = await freePort();
    assert.equal(await claimPort(target(port), me), "free");
    assert.equal(await listens(port), false);
  });

  it("is bound on 127.0.0.1 alone", async () => {
    const port = await servedBy(me);
    const elsewhere = createServer().listen(port, "127.0.0.2");
    await Promise.race([
      once(elsewhere, "listening"),
      once(elsewhere, "error").then(([error]) => Promise.reject(error as Error)),
    ]);
    await new Promise((closed) => elsewhere.close(closed));
  });

  it("will do where this very engine's forward serves it", async () => {
    const port = await servedBy(me);
    assert.equal(await claimPort(target(port), me), "served");
    assert.ok((await servers.fetchBody(port, siem.cert)) === servers.BODY, "it no longer carries");
  });

  it("will do where a server with the stack's certificate answers: a forward by hand", async () => {
    assert.equal(await claimPort(target(await servers.httpsServer(siem)), me), "served");
  });

  it("is another stack's where that stack's forward serves it", async () => {
    const port = await servedBy({ ...me, label: "staging" });
    await assert.rejects(claimPort(target(port), me), {
      message: new RegExp(`^the port ${port} is held by the forward of the stack "staging"`),
    });
  });

  it("is another run's where that does not end", async () => {
    const port = await servedBy({ ...me, engine: "127.0.0.1:2" });
    await assert.rejects(claimPort(target(port), me, 0.2), {
      message: new RegExp(`^the port ${port} is held by the forward of another run of the stack "prod"`),
    });
  });

  for (const [what, holder] of [
    ["a silent server", () => servers.listenTillEnd(createServer())],
    ["a server that talks", () => servers.listenTillEnd(createServer((socket) => socket.write("hello\n")))],
    ["a server that closes", () => servers.listenTillEnd(createServer((socket) => socket.end()))],
    [
      "a server that calls itself what no stack is called",
      () => {
        const answer = JSON.stringify({ ...me, label: "x\x1b[2J" });
        return servers.listenTillEnd(createServer((socket) => socket.end(answer)));
      },
    ],
    ["an HTTPS server with another certificate", () => servers.httpsServer(servers.certificate())],
  ] as const) {
    it(`is held by something else where ${what} listens`, async () => {
      const port = await holder();
      await assert.rejects(claimPort(target(port), me, 1), {
        message: new RegExp(
          `^the port ${port} is used by a program that is not a forward to this stack's servers`,
        ),
      });
    });
  }
});
