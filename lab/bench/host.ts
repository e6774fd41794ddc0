import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { waitFor } from "../../core/wait";
import { atEnd, keys, sshServer } from "./ssh-servers";

/**
 * Starts the mocked host's SSH server, and an SSH agent with the key that it accepts, because an update logs in first. Returns
 * the config with the server's address, and the agent's socket, which is in `folder`. `endAll` of ssh-servers.ts ends both.
 */
export async function mockedHost(
  folder: string,
): Promise<{ readonly config: Readonly<Record<string, string>>; readonly agent: string }> {
  const [hostKeys, login] = [keys(), keys()];
  const { port } = await sshServer({ hostPrivateKey: hostKeys.private, authorized: login.public });
  const agent = join(folder, "agent");
  const child = execa("ssh-agent", ["-D", "-a", agent], { reject: false });
  atEnd(async () => {
    child.kill();
    await child;
  });
  await waitFor({ what: "the SSH agent", seconds: 5, pauseMs: 25 }, () => existsSync(agent));
  await execa("ssh-add", ["-q", "-"], { input: login.private, env: { SSH_AUTH_SOCK: agent } });
  return { config: { host: "127.0.0.1", port: String(port), hostKey: hostKeys.public }, agent };
}
