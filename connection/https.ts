import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { FormData } from "undici";

/** A request, and the server that it is sent to. */
export interface HttpsRequest {
  /** Scheme, host and port, such as "https://127.0.0.1:9200". */
  readonly origin: string;
  /** The server's name in its certificate and in the Host header. Default: the origin's host. */
  readonly name?: string;
  /** The CA of the server's certificate, PEM. Default: the CAs that Node trusts. */
  readonly ca?: string;
  /** Whether any certificate is accepted. Default: no. */
  readonly anyCertificate?: boolean;
  /** An open connection to the server, such as through SSH; closed at the end. Default: a new TCP connection. */
  readonly socket?: Duplex;
  /** Default: GET. */
  readonly method?: string;
  /** With its query, already encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** With a FormData, undici sets the content type. */
  readonly body?: string | FormData;
  /** The time limit of the whole request. */
  readonly seconds: number;
}

/** A server's whole reply. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * Sends one request over a new connection and returns the whole reply, whatever its status. An origin with http: is not
 * encrypted. Throws an Error of one line if no reply comes: the origin, the request and the reason, without headers.
 */
export async function sendRequest(request: HttpsRequest): Promise<Reply> {
  const { origin, name, ca, anyCertificate, socket, method = "GET", path, body, seconds } = request;
  // Loaded on first use: this takes 70 ms, and most runs of the forward's helper send no request.
  const { buildConnector, Client } = await import("undici");
  const connect = buildConnector({ ca, rejectUnauthorized: !anyCertificate, timeout: seconds * 1000 });
  const client = new Client(origin, {
    // TLS works over any duplex stream; undici's type is too narrow.
    connect: (server, done) => connect({ ...server, httpSocket: socket as Socket | undefined }, done),
  });
  try {
    const reply = await client.request({
      method,
      path,
      // undici takes the TLS server name from this header.
      headers: { ...request.headers, ...(name !== undefined && { host: name }) },
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
  // The message is empty if several addresses were tried and each refused.
  return (message || (code ?? name)).trim();
}

/** Returns the `Authorization` header for a name and a password. */
export function basicAuth(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}
