import type { Client, ClientChannel } from "ssh2";
import type { SshRequest } from "../../config/ssh";
import { connectSsh } from "../../connection/ssh";
import type { RunOnHost } from "./discover";

/** The default time limit of a command on the host, in seconds. */
const TIMEOUT_S = 60;

/** An SSH session with a stack's host. Its opener must close it. */
export interface HostSession {
  readonly client: Client;
  readonly run: RunOnHost;
  readonly close: () => void;
}

/** Opens an SSH session with a pinned host key. Throws a ConnectionError. */
export async function openHost(request: SshRequest): Promise<HostSession> {
  const client = await connectSsh(request);
  return { client, run: sshRunner(client), close: () => client.end() };
}

/** Returns a function that runs commands over an open SSH connection. The message of a failure is the last line of stderr. */
export function sshRunner(client: Client): RunOnHost {
  return async (command, stdin = "", seconds = TIMEOUT_S) =>
    finish(await openExec(client, command), stdin, seconds);
}

function openExec(client: Client, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

function finish(channel: ClientChannel, stdin: string, seconds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    let code: number | undefined;
    const timer = setTimeout(() => {
      reject(new Error(`a command on the host failed: the host did not finish within ${seconds} s`));
      channel.destroy();
    }, seconds * 1000);
    channel.setEncoding("utf8");
    channel.stderr.setEncoding("utf8");
    channel.on("data", (text: string) => (stdout += text));
    channel.stderr.on("data", (text: string) => (stderr += text));
    channel.on("exit", (status: number | null) => (code = status ?? 1));
    channel.on("close", () => {
      clearTimeout(timer);
      if (code === 0) return resolve(stdout);
      const silent = code === undefined ? "the connection ended before it" : `it ended with code ${code}`;
      reject(new Error(`a command on the host failed: ${stderr.trim().split("\n").at(-1) || silent}`));
    });
    channel.end(stdin);
  });
}
