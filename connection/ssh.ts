import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { Client, utils, type ConnectConfig, type ServerHostKeyAlgorithm } from "ssh2";
import type { SshHost } from "../config/site";
import type { SshRequest } from "../config/ssh";
import { ForwardingProhibitedError, problems, ConnectionError } from "./problems";

/** The default time limit of each hop, in seconds. */
const TIMEOUT_S = 10;

/**
 * Opens an SSH session to a host that shows the pinned key. The caller must end it (`client.end()`).
 * Throws a ConnectionError, after at most `seconds` for each hop.
 */
export async function connectSsh(request: SshRequest, seconds = TIMEOUT_S): Promise<Client> {
  const login = loginWith(request.privateKey);
  const { bastion } = request;
  if (bastion === undefined) return connectHop(serverName("host", request), request, login, seconds);
  const atBastion = serverName("bastion", bastion);
  const hop = await connectHop(atBastion, bastion, login, seconds);
  try {
    const sock = await openChannel(hop, atBastion, request, seconds);
    const client = await connectHop(serverName("host", request), request, login, seconds, sock);
    client.once("close", () => hop.end());
    return client;
  } catch (error) {
    hop.end();
    throw error;
  }
}

/** Returns the name of a machine for error messages, such as "the host dhis2.example.org:22". */
export function serverName(role: "host" | "bastion", server: { host: string; port: number }): string {
  return `the ${role} ${server.host}:${server.port}`;
}

/**
 * Opens a connection from the SSH server, which is named `at` in messages, to a target behind it.
 * Throws a ConnectionError if forwarding is prohibited, the target refuses, or there is no answer within `seconds`.
 */
export function openChannel(
  client: Client,
  at: string,
  target: { readonly host: string; readonly port: number },
  seconds = TIMEOUT_S,
): Promise<Duplex> {
  const name = `${target.host}:${target.port}`;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new ConnectionError(problems.targetClosed(at, name, `no answer within ${seconds} s`))),
      seconds * 1000,
    );
    client.forwardOut("127.0.0.1", 0, target.host, target.port, (error, channel) => {
      clearTimeout(timer);
      if (error) reject(channelProblem(error, at, name));
      else resolve(channel);
    });
  });
}

/** RFC 4254, 5.1: reason 1 is "administratively prohibited"; the others mean that the target was not reached. */
function channelProblem(error: Error & { reason?: unknown }, at: string, target: string): ConnectionError {
  if (error.reason === 1) return new ForwardingProhibitedError(problems.prohibited(at, target));
  const reason = oneLine(error.message.replace("(SSH) Channel open failure:", "")).trim();
  return new ConnectionError(problems.targetClosed(at, target, reason || "connection refused"));
}

type Login = Pick<ConnectConfig, "privateKey" | "agent">;

function loginWith(privateKey: string | undefined): Login {
  const agent = process.env.SSH_AUTH_SOCK;
  if (privateKey === undefined) {
    if (!agent) throw new ConnectionError(problems.noLogin());
    return { agent };
  }
  const parsed = utils.parseKey(privateKey);
  if (!(parsed instanceof Error)) return { privateKey };
  throw new ConnectionError(/encrypted/i.test(parsed.message) ? problems.encryptedKey() : problems.badKey());
}

/** Opens one hop; over `sock` if another hop carries it. */
function connectHop(
  at: string,
  server: SshHost,
  login: Login,
  seconds: number,
  sock?: Duplex,
): Promise<Client> {
  const pin = parsePin(at, server.hostKey);
  const client = new Client();
  let wrongKey: string | undefined;
  let agentFailed = false;
  return new Promise((resolve, reject) => {
    const fail = (line: string) => {
      client.end();
      reject(new ConnectionError(line));
    };
    client.once("ready", () => resolve(client));
    // Stays after "ready": a later error comes with a "close", which is what the session's owner watches.
    client.on("error", (error: Error & { level?: string; code?: unknown }) => {
      // Not final: ssh2 tries the agent's next key, and reports the failed login after the last key.
      if (error.level === "agent") agentFailed = true;
      else if (wrongKey !== undefined) fail(problems.wrongHostKey(at, fingerprint(pin.blob), wrongKey));
      else if (error.level === "client-authentication" && agentFailed) fail(problems.agentSilent(at));
      else fail(connectProblem(error, { at, user: server.user, keyType: pin.type, seconds }));
    });
    client.once("close", () => fail(problems.notSsh(at)));
    client.connect({
      host: server.host,
      port: server.port,
      username: server.user,
      sock,
      ...login,
      readyTimeout: seconds * 1000,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 3,
      algorithms: { serverHostKey: pin.algorithms },
      hostVerifier: (blob: Buffer) => {
        if (blob.equals(pin.blob)) return true;
        wrongKey = fingerprint(blob);
        return false;
      },
    });
  });
}

function connectProblem(
  error: Error & { level?: string; code?: unknown },
  hop: { at: string; user: string; keyType: string; seconds: number },
): string {
  const { at } = hop;
  switch (error.code) {
    case "ECONNREFUSED":
      return problems.refused(at);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return problems.noSuchHost(at);
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return problems.unreachable(at);
    case "ETIMEDOUT":
      return problems.silent(at, hop.seconds);
    case "ECONNRESET":
    case "EPIPE":
      return problems.notSsh(at);
  }
  if (error.level === "client-timeout") return problems.silent(at, hop.seconds);
  // sshd sends this text if an agent offers more keys than MaxAuthTries.
  if (error.level === "client-authentication" || /too many authentication failures/i.test(error.message)) {
    return problems.badLogin(at, hop.user);
  }
  if (error.message.includes("no matching host key format"))
    return problems.otherHostKeyType(at, hop.keyType);
  if (error.message.includes("Connection lost before handshake")) return problems.notSsh(at);
  return problems.handshake(at, oneLine(error.message));
}

interface Pin {
  readonly type: string;
  readonly blob: Buffer;
  /** The algorithms to request, so that the server shows this key and not another of its keys. */
  readonly algorithms: ServerHostKeyAlgorithm[];
}

function parsePin(at: string, hostKey: string): Pin {
  const parsed = utils.parseKey(hostKey.trim());
  if (parsed instanceof Error || parsed.isPrivateKey()) throw new ConnectionError(problems.badPin(at));
  // An RSA key works with several signature algorithms. The one with SHA-1 is not requested.
  const algorithms = parsed.type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [parsed.type];
  return {
    type: parsed.type,
    blob: parsed.getPublicSSH(),
    algorithms: algorithms as ServerHostKeyAlgorithm[],
  };
}

/** Returns a key's fingerprint as OpenSSH prints it. */
function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Returns a text from the other side as one line of at most 200 printable characters. */
function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200);
}
