import { connect, createServer, type Server, type Socket } from "node:net";
import type { Client } from "ssh2";
import { LOOPBACK } from "../core/ports";
import { poll } from "../core/wait";
import type { ForwardTarget } from "./forward";
import { sendRequest } from "./https";
import { problems, ConnectionError } from "./problems";

/** The run that opened a forward: the stack's name (`label`), and the address of its Pulumi engine. */
export interface ForwardOwner {
  readonly label: string;
  readonly engine: string;
}

/** A forwarded port answers this line itself, with its owner. Only TLS goes through it, and TLS never begins like this. */
const OWNER_REQUEST = "dhis2-siem: whose forward is this?\n";

/**
 * Listens on the target's loopback port, and on no other address, and carries each connection through the SSH session.
 * Throws a ConnectionError if the port is taken.
 */
export function serveForward(client: Client, target: ForwardTarget, owner: ForwardOwner): Promise<Server> {
  const { localPort } = target;
  return listen(localPort, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (first) => {
      if (first.toString("latin1") === OWNER_REQUEST) socket.end(JSON.stringify(owner));
      else carryConnection(client, target, socket, first);
    });
  }).catch((error: unknown) => Promise.reject(listenError(localPort, error)));
}

function carryConnection(client: Client, target: ForwardTarget, socket: Socket, first: Buffer): void {
  socket.pause();
  client.forwardOut(LOOPBACK, target.localPort, target.host, target.port, (error, channel) => {
    if (error) {
      socket.destroy();
      return;
    }
    socket.on("close", () => channel.destroy());
    channel.on("error", () => socket.destroy());
    channel.write(first);
    socket.pipe(channel).pipe(socket);
    // Added after the pipe's own listener, which pauses the socket. A paused socket never closes.
    channel.on("close", () => socket.resume().end());
  });
}

/**
 * Returns "free", or "served" if a usable forward holds the port: a forward of the same engine, or one that somebody
 * opened by hand. A forward by hand shows the target's certificate. Before that certificate is known, it is recognised
 * because it hangs up at once: no server runs behind it yet.
 * Waits up to `seconds` for an earlier run of the stack to end, and for a server behind a slow link to answer.
 * Throws a ConnectionError if something else holds the port.
 */
export async function claimPort(
  target: ForwardTarget,
  self: ForwardOwner,
  seconds = 5,
): Promise<"free" | "served"> {
  const port = target.localPort;
  const claimed = await poll({ seconds, pauseMs: 50 }, async () => {
    if (await isFree(port)) return "free";
    const owner = await readOwner(port);
    if (typeof owner === "string") {
      const byHand = target.tls
        ? await answersWithCertificate(target.tls, port, seconds)
        : owner === "hung up";
      if (byHand) return "served";
      throw new ConnectionError(problems.portTaken(port));
    }
    if (owner.label !== self.label) throw new ConnectionError(problems.otherStack(port, owner.label));
    return owner.engine === self.engine ? "served" : undefined;
  });
  if (claimed === undefined) throw new ConnectionError(problems.otherRun(port, self.label));
  return claimed;
}

/** Claims every target's port; returns the targets whose ports are free, which the caller must serve. Throws as `claimPort` does. */
export async function claimPorts(
  targets: readonly ForwardTarget[],
  self: ForwardOwner,
): Promise<ForwardTarget[]> {
  const claims = await Promise.all(targets.map((target) => claimPort(target, self)));
  return targets.filter((_, index) => claims[index] === "free");
}

async function isFree(port: number): Promise<boolean> {
  try {
    const server = await listen(port, (socket) => socket.destroy());
    await new Promise((closed) => server.close(closed));
    return true;
  } catch (error) {
    if (codeOf(error) === "EADDRINUSE") return false;
    throw listenError(port, error);
  }
}

function listenError(port: number, error: unknown): ConnectionError {
  const code = codeOf(error);
  return new ConnectionError(
    code === "EADDRINUSE" ? problems.portTaken(port) : problems.cannotListen(port, code),
  );
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

function listen(port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, onConnection);
    // This listener stays: if file descriptors run out later, new connections fail, but the open ones must not end.
    server.on("error", reject);
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => resolve(server));
  });
}

/**
 * Returns the owner of the forward on this port. If no forward of this program answers within a second, returns "hung up"
 * (closed at once, as TLS servers do with at most an alert: RFC 8446, 6) or "something else".
 */
function readOwner(port: number): Promise<ForwardOwner | "hung up" | "something else"> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK, () => socket.write(OWNER_REQUEST));
    const timer = setTimeout(() => {
      answer = "silence";
      socket.destroy();
    }, 1000);
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      answer += text;
      if (answer.length > 4096) socket.destroy();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(timer);
      const hungUp = answer === "" || answer.startsWith("\x15\x03");
      resolve(parseOwner(answer) ?? (hungUp ? "hung up" : "something else"));
    });
  });
}

/** Any local process can answer on this port, so an answer whose label is not a stack name is ignored. */
function parseOwner(text: string): ForwardOwner | undefined {
  try {
    const { label, engine } = JSON.parse(text) as Record<string, unknown>;
    const named = typeof label === "string" && /^[\w.-]{1,100}$/.test(label);
    return named && typeof engine === "string" ? { label, engine } : undefined;
  } catch {
    return undefined;
  }
}

/** Returns whether an HTTPS server answers whose certificate, for this address, is signed by the stack's CA. */
async function answersWithCertificate(
  { caPem }: { caPem: string },
  port: number,
  seconds: number,
): Promise<boolean> {
  const origin = `https://${LOOPBACK}:${port}`;
  return sendRequest({ origin, ca: caPem, method: "HEAD", path: "/", seconds }).then(
    () => true,
    () => false,
  );
}
