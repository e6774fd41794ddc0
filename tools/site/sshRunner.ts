import type { Client, ClientChannel } from "ssh2";
import type { Runner } from "./discover";

/** How long one command on the host may take, in seconds. */
const TIMEOUT_S = 60;

/** Runs commands over an open SSH connection. A failure's message is the last line that the command said. */
export function sshRunner(client: Client, seconds = TIMEOUT_S): Runner {
  return async (command, stdin = "") => {
    const channel = await openExec(client, command);
    const timer = setTimeout(() => channel.destroy(), seconds * 1000);
    try {
      return await finish(channel, stdin, seconds);
    } finally {
      clearTimeout(timer);
    }
  };
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
    channel.setEncoding("utf8");
    channel.stderr.setEncoding("utf8");
    channel.on("data", (text: string) => (stdout += text));
    channel.stderr.on("data", (text: string) => (stderr += text));
    channel.on("exit", (status: number | null) => (code = status ?? 1));
    channel.on("close", () => {
      const said = stderr.trim().split("\n").at(-1) || `no answer within ${seconds} s`;
      if (code === 0) resolve(stdout);
      else reject(new Error(`a command on the host failed: ${said}`));
    });
    channel.end(stdin);
  });
}
