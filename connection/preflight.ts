import * as pulumi from "@pulumi/pulumi";
import { errorText } from "../core/errors";
import { errorWithoutStack, type ForwardTarget } from "./forward";
import { claimPorts } from "./ports";
import { ForwardingProhibitedError } from "./problems";
import type { SshRequest } from "../config/ssh";
import { connectSsh, openChannel, serverName } from "./ssh";

/** The time limit for a server behind the host, in seconds. Short, because before the first update there is no server. */
const SERVER_TIMEOUT_S = 3;

/**
 * Checks before an update that the host accepts this login and that the forward can open: its ports on this machine are
 * free, and the host's sshd permits it. Without this check a provider would find the problem later and retry ten times.
 * Does nothing in a preview.
 * Throws a pulumi.RunError with one line (the texts are in problems.ts).
 * @param targets the forward's ports; empty for direct access
 * @param seconds the time limit of each SSH hop; default: that of connectSsh
 */
export async function preflight(
  ssh: SshRequest,
  targets: readonly ForwardTarget[],
  seconds?: number,
): Promise<void> {
  if (pulumi.runtime.isDryRun()) return;
  try {
    refuseOverrides(process.env);
    // No engine: a forward of this stack that holds a port now belongs to another run, which may be ending.
    const me = { label: pulumi.getStack(), engine: "" };
    // A port whose forward was opened by hand is not checked: this login does not open it.
    await checkForwarding(ssh, await claimPorts(targets, me), seconds);
  } catch (error) {
    throw errorWithoutStack(errorText(error));
  }
}

async function checkForwarding(
  ssh: SshRequest,
  targets: readonly ForwardTarget[],
  seconds?: number,
): Promise<void> {
  const client = await connectSsh(ssh, seconds);
  try {
    const at = serverName("host", ssh);
    await Promise.all(
      targets.map((target) =>
        openChannel(client, at, target, SERVER_TIMEOUT_S).then(
          (channel) => channel.destroy(),
          (error: unknown) => {
            if (error instanceof ForwardingProhibitedError) throw error;
          },
        ),
      ),
    );
  } finally {
    client.end();
  }
}

/** Throws an Error if such a variable is set: it overrides the provider's settings, which would then write to another server. */
function refuseOverrides(env: NodeJS.ProcessEnv): void {
  const found = Object.keys(env).filter((name) => /^(ELASTICSEARCH|KIBANA)_/.test(name));
  if (found.length > 0) {
    throw new Error(
      `${found.sort().join(", ")} in the environment would send this stack's resources to another server; unset them`,
    );
  }
}
