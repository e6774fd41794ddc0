import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { ask, basic, type Reply as WholeReply } from "../../connection/https";
import { openChannel } from "../../connection/ssh";

/** Opens a connection to an address behind the host; undefined where this machine reaches it by itself. */
export type Open = (host: string, port: number) => Promise<Duplex | undefined>;

/** Through an SSH session: no port of this machine is taken, so an update may run at the same time. */
export function through(client: Client, at: string): Open {
  return (host, port) => openChannel(client, at, { host, port });
}

/** Without SSH, where the config says that the laptop reaches the containers by itself. */
export const direct: Open = () => Promise.resolve(undefined);

/** An HTTPS server, and how it is known: by the stack's CA, or not at all where only a status is asked for. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** As in its certificate, and in the Host header. */
  readonly name: string;
  readonly ca?: string;
  readonly login?: { readonly user: string; readonly password: string };
}

export type Reply = Pick<WholeReply, "status" | "text">;

/** One request. Throws an Error of one line where no reply comes within 20 seconds; no login is in it. */
export async function send(
  open: Open,
  { host, port, name, ca, login }: Server,
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  return ask({
    ...{ origin: `https://${host}:${port}`, name, ca, anyCertificate: ca === undefined },
    socket: await open(host, port),
    ...{ method, path, body: JSON.stringify(body), seconds: 20 },
    headers: {
      "content-type": "application/json",
      "kbn-xsrf": "dhis2-siem",
      ...(login && { authorization: basic(login.user, login.password) }),
    },
  });
}
