/** SSH connections as @pulumi/command makes them: retries, a bastion, pinned host keys, an agent; its words for errors. */
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { Client, type ConnectConfig, type ServerHostKeyAlgorithm, utils } from "ssh2";

/** One host, as in the resource's `connection`. Times are seconds. */
export interface Hop {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  readonly agentSocketPath?: string;
  readonly hostKey?: string;
  /** Attempts after the first one; -1 for no end. */
  readonly dialErrorLimit: number;
  /** For each attempt; 0 for no end. */
  readonly perDialTimeout: number;
}

/**
 * Connects to a host, through a bastion where there is one. Gives the connection first, then what it depends on; the
 * caller ends them all. `onRetry` gets a line for each attempt that failed.
 */
export async function dial(
  target: Hop,
  bastion: Hop | undefined,
  onRetry: (line: string) => void,
): Promise<[Client, ...Client[]]> {
  const config = login(target);
  if (!bastion) return [await retry("Dial", target, onRetry, () => connect(target, config))];
  try {
    const proxyConfig = login(bastion);
    const proxy = await retry("Dial proxy", bastion, onRetry, () => connect(bastion, proxyConfig));
    try {
      const client = await retry("Dial", target, onRetry, async () =>
        connect(target, config, await forward(proxy, target)),
      );
      return [client, proxy];
    } catch (error) {
      proxy.end();
      throw error;
    }
  } catch (error) {
    throw new Error(`proxy: ${message(error)}`);
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Pauses grow from 0.1 s by half each time, up to 5 s. */
async function retry<T>(
  what: string,
  { dialErrorLimit }: Hop,
  onRetry: (line: string) => void,
  attempt: () => Promise<T>,
) {
  for (let failed = 0; ; failed++) {
    try {
      return await attempt();
    } catch (error) {
      if (dialErrorLimit >= 0 && failed >= dialErrorLimit) {
        throw new Error(`after ${failed} failed attempts: ${message(error)}`);
      }
      onRetry(`${what} ${failed + 1}/${dialErrorLimit < 0 ? "inf" : dialErrorLimit} failed: retrying`);
      await pause(Math.min(100 * 1.5 ** failed, 5000));
    }
  }
}

/** Key, password and agent, those that there are; a key that cannot be read is an error before any dialling. */
function login(hop: Hop): ConnectConfig {
  const { privateKey, privateKeyPassword: passphrase, password } = hop;
  const agent = hop.agentSocketPath ?? (process.env.SSH_AUTH_SOCK || undefined);
  if (privateKey !== undefined) {
    const key = utils.parseKey(privateKey, passphrase);
    // ssh2's reason may quote the key.
    if (key instanceof Error)
      throw new Error(
        `ssh: ${/passphrase|encrypted/i.test(key.message) ? "this private key is passphrase protected" : "no key found"}`,
      );
  }
  return {
    username: hop.user,
    ...(privateKey === undefined ? {} : { privateKey, passphrase }),
    ...(password === undefined ? {} : { password, tryKeyboard: true }),
    ...(agent === undefined ? {} : { agent }),
    ...pinned(hop),
  };
}

/** The one host key that is taken; without `hostKey` any is, as with the real one. */
function pinned({ hostKey }: Hop): ConnectConfig {
  if (hostKey === undefined) return {};
  const key = utils.parseKey(hostKey.trim());
  if (key instanceof Error) throw new Error("failed to parse host key: ssh: no key found");
  const blob = key.getPublicSSH();
  const kinds = key.type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [key.type];
  return {
    algorithms: { serverHostKey: kinds as ServerHostKeyAlgorithm[] },
    hostVerifier: (shown: Buffer) => shown.equals(blob),
  };
}

function connect(hop: Hop, config: ConnectConfig, sock?: Duplex): Promise<Client> {
  const client = new Client();
  return new Promise((resolve, reject) => {
    const fail = (error: Error & { level?: string; code?: unknown }) => {
      // ssh2 goes on with the next key of the agent.
      if (error.level === "agent") return;
      client.end();
      reject(new Error(dialProblem(hop, error)));
    };
    client.on("error", fail);
    client.once("close", () => fail(new Error("EOF")));
    // `fail` stays: an error of a connection that is in use must find a listener, and ends it.
    client.once("ready", () => resolve(client));
    client.on("keyboard-interactive", (_name, _text, _language, prompts, answer) =>
      answer(prompts.map(() => hop.password ?? "")),
    );
    client.connect({
      ...config,
      host: hop.host,
      port: hop.port,
      sock,
      readyTimeout: hop.perDialTimeout * 1000,
    });
  });
}

/** In the words of Go's SSH library, which the real one uses. */
function dialProblem(hop: Hop, error: Error & { level?: string; code?: unknown }): string {
  const at = `dial tcp ${hop.host}:${hop.port}`;
  if (error.code === "ECONNREFUSED") return `${at}: connect: connection refused`;
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN")
    return `${at}: lookup ${hop.host}: no such host`;
  if (error.code === "EHOSTUNREACH" || error.code === "ENETUNREACH")
    return `${at}: connect: no route to host`;
  if (error.code === "ETIMEDOUT" || error.level === "client-timeout") return `${at}: i/o timeout`;
  const handshake = "ssh: handshake failed";
  if (/host denied|verification failed/i.test(error.message)) return `${handshake}: ssh: host key mismatch`;
  if (/no matching host key/i.test(error.message))
    return `${handshake}: ssh: no common algorithm for host key`;
  if (error.level === "client-authentication") {
    const tried = [hop.privateKey && "publickey", hop.password && "password"].filter(Boolean).join(" ");
    return `${handshake}: ssh: unable to authenticate, attempted methods [none ${tried}], no supported methods remain`;
  }
  return `${handshake}: ${error.message}`;
}

function forward(proxy: Client, target: Hop): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    proxy.forwardOut("127.0.0.1", 0, target.host, target.port, (error, channel) =>
      error ? reject(new Error(`ssh: rejected: ${error.message}`)) : resolve(channel),
    );
  });
}
