import { connect, createServer, type Server, type Socket } from "node:net";
import type { Client } from "ssh2";
import { LOOPBACK } from "../core/ports";
import { poll } from "../core/wait";
import type { ForwardTarget } from "./forward";
import { sendRequest } from "./https";
import { problems, ConnectionError } from "./problems";

/** Whose forward holds a port: the stack's name, and the engine that it lives with. */
export interface ForwardOwner {
  readonly label: string;
  readonly engine: string;
}

/** A forwarded port answers this line itself, with its holder. TLS, which is all that goes through it, never begins so. */
const OWNER_REQUEST = "dhis2-siem: whose forward is this?\n";

/**
 * Listens on the target's loopback port, and on no other address, and carries each connection through the SSH session.
 * Throws a ReachError where the port is taken.
 */
export function serveForward(client: Client, target: ForwardTarget, holder: ForwardOwner): Promise<Server> {
  const { localPort } = target;
  return listen(localPort, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (first) => {
      if (first.toString("latin1") === OWNER_REQUEST) socket.end(JSON.stringify(holder));
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
    // After the pipe's own listener, which pauses the socket: one that nobody reads to its end never closes.
    channel.on("close", () => socket.resume().end());
  });
}

/**
 * "free", or "served" by a forward that will do: one that somebody opened by hand, or one of this very engine. By hand is
 * what shows the target's certificate; before that is known, what hangs up at once, as a forward to no server does yet.
 * An earlier run of the stack gets `patience` seconds to end, and a server behind a slow link as long to answer.
 * Throws a ReachError where something else holds the port.
 */
export async function claimPort(
  target: ForwardTarget,
  me: ForwardOwner,
  patience = 5,
): Promise<"free" | "served"> {
  const port = target.localPort;
  const claimed = await poll({ seconds: patience, pauseMs: 50 }, async () => {
    if (await isFree(port)) return "free";
    const holder = await readOwner(port);
    if (typeof holder === "string") {
      const byHand = target.tls
        ? await answersWithCertificate(target.tls, port, patience)
        : holder === "hung up";
      if (byHand) return "served";
      throw new ConnectionError(problems.portTaken(port));
    }
    if (holder.label !== me.label) throw new ConnectionError(problems.otherStack(port, holder.label));
    return holder.engine === me.engine ? "served" : undefined;
  });
  if (claimed === undefined) throw new ConnectionError(problems.otherRun(port, me.label));
  return claimed;
}

/** Claims each; gives those whose ports are free, and so for us to serve. */
export async function claimPorts(
  targets: readonly ForwardTarget[],
  me: ForwardOwner,
): Promise<ForwardTarget[]> {
  const claims = await Promise.all(targets.map((target) => claimPort(target, me)));
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
    // Stays: running out of file descriptors later refuses connections, and must not end the others.
    server.on("error", reject);
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => resolve(server));
  });
}

/**
 * Asks the port itself. Where no forward of this program answers within a second: whether it "hung up" at once, which TLS
 * servers do with at most an alert (RFC 8446, 6), or is "something else".
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

/** Anybody on this machine may hold a port and answer: a label that cannot be a stack's name is no holder's. */
function parseOwner(text: string): ForwardOwner | undefined {
  try {
    const { label, engine } = JSON.parse(text) as Record<string, unknown>;
    const named = typeof label === "string" && /^[\w.-]{1,100}$/.test(label);
    return named && typeof engine === "string" ? { label, engine } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an HTTPS server answers there whose certificate, for this address, is from the stack's own CA. */
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
