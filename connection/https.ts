import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FormData } from "undici";

/** Whom to ask, and what. */
export interface HttpsRequest {
  /** Such as "https://127.0.0.1:9200": without a path. */
  readonly origin: string;
  /** The server's name in its certificate and in the Host header, where the origin has its address. */
  readonly name?: string;
  /** The CA of its certificate (PEM). Without one, those that Node trusts. */
  readonly ca?: string;
  /** Takes whatever certificate it shows. */
  readonly anyCertificate?: boolean;
  /** A connection to it that is there already, as through SSH; it is closed at the end. */
  readonly socket?: Duplex;
  readonly method?: string;
  /** Sent as it is, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of undici's FormData, the form says its own content type. */
  readonly body?: string | FormData;
  /** How long all of it may take. */
  readonly seconds: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * One request over HTTPS (or plain HTTP, where the origin says so) and its whole reply, whatever its status, over a
 * connection of its own. Throws an Error of one line that says who was asked what and why no reply came; no header is in it.
 */
export async function sendRequest(question: HttpsRequest): Promise<Reply> {
  const { origin, name, ca, anyCertificate, socket, method = "GET", path, body, seconds } = question;
  // Only now: loading it takes a while (seen: 70 ms), and the forward's helper hardly ever asks.
  const { buildConnector, Client } = await import("undici");
  const connect = buildConnector({ ca, rejectUnauthorized: !anyCertificate, timeout: seconds * 1000 });
  const client = new Client(origin, {
    // Any duplex stream will do for TLS, whatever undici's type says.
    connect: (server, done) => connect({ ...server, httpSocket: socket as Socket | undefined }, done),
  });
  try {
    const reply = await client.request({
      method,
      path,
      // The name that TLS asks for is taken from here.
      headers: { ...question.headers, ...(name !== undefined && { host: name }) },
      body,
      signal: AbortSignal.timeout(seconds * 1000),
    });
    return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() };
  } catch (error) {
    throw new Error(`${origin}: ${method} ${path}: ${reason(error, seconds)}`, { cause: error });
  } finally {
    await client.destroy();
    socket?.destroy();
  }
}

function reason(error: unknown, seconds: number): string {
  const { name, code, message } = error as NodeJS.ErrnoException;
  if (name === "TimeoutError" || name === "ConnectTimeoutError") return `no answer within ${seconds} s`;
  // Where each of several addresses refused, the message is empty.
  return (message || (code ?? name)).trim();
}

/** The `Authorization` header of a name and a password. */
export function basicAuth(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}
