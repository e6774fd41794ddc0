import assert from "node:assert/strict";
import { createServer as createHttps, type Server } from "node:https";
import { connect, createServer } from "node:net";
import { sendRequest, basicAuth, type HttpsRequest } from "../../connection/https";
import { freePort, LOOPBACK } from "../../core/ports";
import * as servers from "../../lab/bench/ssh-servers";
import { soon } from "../support/soon";

const siem = servers.certificate("DNS:siem");

describe("a question over HTTPS", () => {
  afterEach(() => servers.endAll());

  /** Returns a request to a loopback port, for the server whose certificate is for "siem". */
  function to(port: number, question: Partial<HttpsRequest> = {}): HttpsRequest {
    const known = { origin: `https://${LOOPBACK}:${port}`, name: "siem", ca: siem.cert };
    return { ...known, path: "/x", seconds: 10, ...question };
  }

  /** Starts a server that replies with the request. */
  async function echo(): Promise<{ server: Server; port: number }> {
    const server = createHttps(siem, (request, response) => {
      const { method, url, headers } = request;
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => response.writeHead(418).end(JSON.stringify({ method, url, headers, body })));
    });
    return { server, port: await servers.listenTillEnd(server) };
  }

  const closed = (server: Server | ReturnType<typeof createServer>) =>
    soon("the end of its connection", async () => {
      const open = await new Promise<number>((done) => server.getConnections((_, count) => done(count)));
      return open === 0;
    });

  it("is sent as it is, and answered whatever the status; then its connection is closed", async () => {
    const { server, port } = await echo();
    const path = "/..%2f../x?a='b";
    const { status, text } = await sendRequest(to(port, { method: "DELETE", path, body: "ä" }));
    assert.equal(status, 418);
    const { headers, ...said } = JSON.parse(text) as { headers: Record<string, string> };
    assert.deepEqual(said, { method: "DELETE", url: path, body: "ä" });
    assert.deepEqual([headers.host, headers["content-length"]], ["siem", "2"]);
    await closed(server);
  });

  it("goes over a connection that is there already", async () => {
    const socket = connect((await echo()).port, LOOPBACK);
    assert.equal((await sendRequest(to(1, { socket }))).status, 418);
    assert.ok(socket.destroyed);
  });

  it("is answered only by who shows the right certificate, unless any will do", async () => {
    const { port } = await echo();
    await assert.rejects(sendRequest(to(port, { name: "other" })), /does not match certificate's altnames/);
    await assert.rejects(
      sendRequest(to(port, { ca: servers.certificate().cert })),
      /self-signed certificate|unable to/,
    );
    await assert.rejects(sendRequest(to(port, { ca: undefined })), /self-signed certificate/);
    assert.equal(
      (await sendRequest(to(port, { ca: undefined, name: "other", anyCertificate: true }))).status,
      418,
    );
  });

  const late = "no answer within 0.5 s";
  for (const [what, why, holder] of [
    ["is silent", late, createServer((socket) => socket.resume())],
    ["sends no headers", late, createHttps(siem, () => undefined)],
    ["sends no end", late, createHttps(siem, (_, response) => response.write("a"))],
    ["closes at once", "Client network socket disconnected", createServer((socket) => socket.resume().end())],
    [
      "closes too early",
      "other side closed",
      createHttps(siem, (_, response) => {
        response.writeHead(200, { "content-length": 9 }).write("a", () => response.destroy());
      }),
    ],
    ["speaks no TLS", ".*wrong version number", createServer((socket) => socket.resume().write("hello\n"))],
  ] as const) {
    it(`says in one line, without the login, why there is no reply of a server that ${what}`, async () => {
      const port = await servers.listenTillEnd(holder);
      const headers = { authorization: basicAuth("elastic", "s3cret") };
      const asked = sendRequest(to(port, { headers, ...(why === late && { seconds: 0.5 }) }));
      await assert.rejects(asked, (error: Error) => {
        assert.match(error.message, new RegExp(`^https://${LOOPBACK}:${port}: GET /x: ${why}.*$`));
        assert.ok(!error.message.includes(basicAuth("elastic", "s3cret")));
        return true;
      });
      await closed(holder);
    });
  }

  it("says so where nothing listens", async () => {
    await assert.rejects(
      sendRequest(to(await freePort())),
      /: GET \/x: connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
    );
  });
});
