/** Servers for the tests of the forward: SSH servers, an HTTPS server behind them, and a stand-in for the engine. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { connect, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server as SshServer, utils, type Connection, type ServerChannel } from "ssh2";
import { sendRequest } from "../../connection/https";
import { listenAnywhere, LOOPBACK } from "../../core/ports";

/** Skips the test and prints the reason. */
export function skip(context: Mocha.Context, reason: string): never {
  console.log(`      skipped: ${reason}`);
  return context.skip();
}

const cleanups: (() => Promise<void> | void)[] = [];

/** Ends everything that was started since the last call, in reverse order. */
export async function endAll(): Promise<void> {
  for (let end = cleanups.pop(); end; end = cleanups.pop()) await end();
}

export function atEnd(end: () => Promise<void> | void): void {
  cleanups.push(end);
}

/** Lets a server listen on a free loopback port until `endAll`, which also closes its connections. Returns the port. */
export async function listenTillEnd(server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  });
  return endedWith(server, () => sockets.forEach((socket) => socket.destroy()));
}

async function endedWith(server: NetServer | SshServer, cut: () => void): Promise<number> {
  const port = await listenAnywhere(server);
  cleanups.push(async () => {
    const closed = new Promise<void>((done) => server.close(() => done()));
    cut();
    await closed;
  });
  return port;
}

/** Returns an ed25519 key pair. About one in three hundred of ssh2's key pairs is malformed: these are skipped. */
export function keys(): { private: string; public: string } {
  const pair = utils.generateKeyPairSync("ed25519");
  return utils.parseKey(pair.private) instanceof Error ? keys() : pair;
}

export interface SshOptions {
  readonly hostPrivateKey: string;
  /** The only public key that may log in. */
  readonly authorized: string;
  readonly forwarding?: "allowed" | "prohibited";
  /** Runs a command. Default: commands are refused. */
  readonly exec?: (command: string, channel: ServerChannel) => void;
}

/** Starts an SSH server that accepts one key for every user name and forwards. Returns its port and the open sessions. */
export async function sshServer(options: SshOptions): Promise<{ port: number; sessions: Set<Connection> }> {
  const authorized = utils.parseKey(options.authorized);
  if (authorized instanceof Error) throw authorized;
  const sessions = new Set<Connection>();
  const server = new SshServer({ hostKeys: [options.hostPrivateKey] }, (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.end());
    session.on("authentication", (attempt) => {
      const known = attempt.method === "publickey" && attempt.key.data.equals(authorized.getPublicSSH());
      const proven =
        known &&
        (!attempt.signature ||
          authorized.verify(attempt.blob ?? "", attempt.signature, attempt.hashAlgo) === true);
      if (proven) attempt.accept();
      else attempt.reject(["publickey"]);
    });
    session.on("session", (accept) => {
      accept().on("exec", (begin, reject, { command }) => {
        if (options.exec) options.exec(command, begin());
        else reject();
      });
    });
    if (options.forwarding === "prohibited") return;
    session.on("tcpip", (accept, reject, { destIP, destPort }) => {
      const socket = connect(destPort, destIP);
      socket.once("error", reject);
      socket.once("connect", () => {
        const channel = accept();
        channel.on("error", () => socket.destroy());
        channel.on("close", () => socket.destroy());
        socket.pipe(channel).pipe(socket);
      });
    });
  });
  const port = await endedWith(server, () => sessions.forEach((session) => session.end()));
  return { port, sessions };
}

/** Returns a self-signed certificate. Default: for 127.0.0.1. */
export function certificate(names = "IP:127.0.0.1"): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "reach-"));
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    [
      ...[
        "req",
        "-x509",
        "-nodes",
        "-days",
        "2",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
      ],
      ...["-subj", "/CN=siem", "-addext", `subjectAltName=${names}`, "-keyout", keyFile, "-out", certFile],
    ],
    { stdio: "pipe" },
  );
  const made = { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
  rmSync(folder, { recursive: true });
  return made;
}

/** The HTTPS server's reply to `GET /`: so large that it is sent in many pieces. */
export const BODY = "dhis2-siem ".repeat(200_000);

/** Starts an HTTPS server in Elasticsearch's place. */
export function httpsServer(tls: { cert: string; key: string }): Promise<number> {
  return listenTillEnd(createHttps(tls, (_, response) => response.end(BODY)));
}

/** Returns the body of the reply of an HTTPS server on a loopback port. Its certificate is checked. */
export async function fetchBody(port: number, ca: string): Promise<string> {
  return (await sendRequest({ origin: `https://${LOOPBACK}:${port}`, ca, path: "/", seconds: 10 })).text;
}

const ENGINE = `
  const server = require("node:http2").createServer();
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;

/** Starts a process that only answers HTTP/2, like the engine's gRPC server towards the forward's helper. */
export async function fakeEngine(): Promise<{ address: string; process: ChildProcess }> {
  const child = spawn(process.execPath, ["-e", ENGINE], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => void child.kill("SIGKILL"));
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  return { address: `${LOOPBACK}:${String(port).trim()}`, process: child };
}

/** Returns the forward's helpers among this machine's processes, whoever started them (Linux). */
export function helperPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readProc(pid, "cmdline").includes("connection/helper.ts"))
    .map(Number);
}

/** Returns the text of a file of /proc; "" if the process has ended. */
export function readProc(pid: number | string, file: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
