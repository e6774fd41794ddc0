import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

/** The address at which only this machine itself can connect. */
export const LOOPBACK = "127.0.0.1";

/** A server of node:net, node:http, node:https or ssh2. */
interface Listener {
  listen(port: number, host: string, listening: () => void): unknown;
  once(event: "error", failed: (error: Error) => void): unknown;
  address(): AddressInfo | string | null;
}

/** Makes a server listen on a free TCP port of the loopback, and returns the port. */
export async function listenAnywhere(server: Listener): Promise<number> {
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, LOOPBACK, listening);
  });
  return (server.address() as AddressInfo).port;
}

/** Returns a TCP port of the loopback on which no program listens at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenAnywhere(server);
  server.close();
  await once(server, "close");
  return port;
}

/** Returns whether a program accepts connections on this TCP port of the loopback. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK, () => {
      socket.destroy();
      resolve(true);
    }).once("error", () => resolve(false));
  });
}
