import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { sendRequest, basicAuth, type Reply as WholeReply } from "../../connection/https";
import { openChannel } from "../../connection/ssh";

/** Opens a connection to an address behind the host; undefined if this machine reaches the address directly. */
export type OpenConnection = (host: string, port: number) => Promise<Duplex | undefined>;

/** Opens connections through an SSH session. It takes no port of this machine, so an update may run at the same time. */
export function connectThroughSsh(client: Client, at: string): OpenConnection {
  return (host, port) => openChannel(client, at, { host, port });
}

/** For the config's `access: direct`: this machine reaches the containers without SSH. */
export const connectDirectly: OpenConnection = () => Promise.resolve(undefined);

/** An HTTPS server. Without `ca` its certificate is not checked: only for a request whose reply is not trusted. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** The name in its certificate and in the Host header. */
  readonly name: string;
  readonly ca?: string;
  readonly login?: { readonly user: string; readonly password: string };
}

export type Reply = Pick<WholeReply, "status" | "text">;

/** Sends a request and returns the reply. Throws an Error of one line, without the login, if no reply comes within 20 seconds. */
export async function sendToServer(
  open: OpenConnection,
  { host, port, name, ca, login }: Server,
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  return sendRequest({
    ...{ origin: `https://${host}:${port}`, name, ca, anyCertificate: ca === undefined },
    socket: await open(host, port),
    ...{ method, path, body: JSON.stringify(body), seconds: 20 },
    headers: {
      "content-type": "application/json",
      "kbn-xsrf": "dhis2-siem",
      ...(login && { authorization: basicAuth(login.user, login.password) }),
    },
  });
}
