import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

/** The address of this machine for itself alone. */
export const LOOPBACK = "127.0.0.1";

/** A server of node:net, node:http, node:https or ssh2. */
interface Listener {
  listen(port: number, host: string, listening: () => void): unknown;
  once(event: "error", failed: (error: Error) => void): unknown;
  address(): AddressInfo | string | null;
}

/** Lets a server listen on a TCP port of the loopback that the system picks, and returns the port. */
export async function listenAnywhere(server: Listener): Promise<number> {
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, LOOPBACK, listening);
  });
  return (server.address() as AddressInfo).port;
}

/** A TCP port of the loopback that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenAnywhere(server);
  server.close();
  await once(server, "close");
  return port;
}

/** Whether something accepts connections on this TCP port of the loopback. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK, () => {
      socket.destroy();
      resolve(true);
    }).once("error", () => resolve(false));
  });
}
