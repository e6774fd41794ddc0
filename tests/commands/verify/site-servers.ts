/** The connection to a site whose servers run on this machine. */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import { connect as connectTcp } from "node:net";
import type { ConnectToHost } from "../../../commands/verify";
import { SITE } from "./samples";
import { LOOPBACK } from "../../../core/ports";
import * as servers from "../../../lab/bench/ssh-servers";

export const tls = servers.certificate("DNS:siem");
const LOGIN = `Basic ${Buffer.from("elastic:s3cret").toString("base64")}`;
export type Answers = Record<string, (body: string) => unknown>;

/** Starts a fake Elasticsearch or Kibana, with replies by "METHOD path" for the stack's own login only. Returns its port and its requests. */
export async function startServer(answers: Answers): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const port = await servers.listenTillEnd(
    createServer(tls, (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const call = `${request.method} ${(request.url ?? "").split("?")[0]}`;
        asked.push(call);
        const answer = answers[call];
        response.statusCode = request.headers.authorization === LOGIN ? (answer ? 200 : 404) : 401;
        response.end(JSON.stringify(answer && response.statusCode === 200 ? answer(body) : { error: "no" }));
      });
    }),
  );
  return { port, asked };
}

export const search = (sources: object[]) => ({
  hits: {
    total: { value: sources.length },
    hits: sources.map((source, n) => ({ _id: `doc-${n}`, _source: source })),
  },
});
/** Connections go to the servers of these ports; 443 is the proxy, which leads to Kibana and asks for no CA. */
export function connectTo(
  ports: Readonly<Record<number, number>>,
  run: (bundle: string) => string,
): ConnectToHost {
  const openConnection = (_host: string, port: number) =>
    new Promise<ReturnType<typeof connectTcp>>((resolve, reject) => {
      const socket = connectTcp(ports[port] ?? 1, LOOPBACK, () => resolve(socket));
      socket.once("error", reject);
    });
  const connection = {
    run: (command: string, bundle = "", seconds = 0) => {
      assert.equal(command, "sudo -n bash -s");
      // Each container that hangs takes a minute.
      assert.ok(seconds > SITE.agents.length * 60);
      return Promise.resolve(run(bundle));
    },
    openConnection,
    close: () => undefined,
  };
  return () => Promise.resolve(connection);
}
