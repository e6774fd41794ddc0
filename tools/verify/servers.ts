import { request, type RequestOptions } from "node:https";
import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Client } from "ssh2";
import { openChannel } from "../../reach/ssh";

/** How long a server may take to answer, in seconds. */
const TIMEOUT_S = 20;

/** Opens a connection to an address behind the host. */
export type Open = (host: string, port: number) => Promise<Duplex>;

/** Through an SSH session: no port of this machine is taken, so an update may run at the same time. */
export function through(client: Client, at: string): Open {
  return (host, port) => openChannel(client, at, { host, port });
}

/** Without SSH, where the config says that the laptop reaches the containers by itself. */
export function direct(): Open {
  return (host, port) =>
    new Promise((resolve, reject) => {
      const socket = connectTcp({ host, port, timeout: TIMEOUT_S * 1000 }, () =>
        resolve(socket.setTimeout(0)),
      );
      socket.once("timeout", () => socket.destroy(new Error(`no answer within ${TIMEOUT_S} s`)));
      socket.once("error", reject);
    });
}

/** An HTTPS server, and how it is known: by the stack's CA, or not at all where only a status is asked for. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** As in its certificate, and in the Host header. */
  readonly name: string;
  readonly ca?: string;
  readonly login?: { readonly user: string; readonly password: string };
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** One request. Throws an Error of one line where no reply comes; no login is in it. */
export async function send(
  open: Open,
  server: Server,
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  const socket = await open(server.host, server.port);
  const text = body === undefined ? "" : JSON.stringify(body);
  const { login } = server;
  const options: RequestOptions = {
    method,
    path,
    signal: AbortSignal.timeout(TIMEOUT_S * 1000),
    // Without an agent: one would open a connection of its own.
    createConnection: () =>
      connectTls({
        socket,
        servername: server.name,
        ...(server.ca === undefined ? { rejectUnauthorized: false } : { ca: server.ca }),
      }),
    headers: {
      host: server.name,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      "kbn-xsrf": "dhis2-siem",
      ...(login && {
        authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`,
      }),
    },
  };
  try {
    return await exchange(options, text);
  } catch (error) {
    throw new Error(reason(error), { cause: error });
  } finally {
    socket.destroy();
  }
}

function exchange(options: RequestOptions, text: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (answer += chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: answer }));
    });
    call.on("error", reject);
    call.end(text);
  });
}

function reason(error: unknown): string {
  const { name, message } = error as Error;
  return name === "TimeoutError" || name === "AbortError" ? `no answer within ${TIMEOUT_S} s` : message;
}
