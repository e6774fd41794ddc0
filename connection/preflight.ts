import * as pulumi from "@pulumi/pulumi";
import { errorText } from "../core/errors";
import { errorWithoutStack, type ForwardTarget } from "./forward";
import { claimPorts } from "./ports";
import { ForwardingProhibitedError } from "./problems";
import type { SshRequest } from "../config/ssh";
import { connectSsh, openChannel, serverName } from "./ssh";

/** How long a server behind the host may take to answer, in seconds: before the first update none is there. */
const SERVER_TIMEOUT_S = 3;

/**
 * Looks, before an update touches anything, whether the host can be reached with this key, and whether the forward will be
 * able to open: its ports on this laptop (`targets`; none for direct access), and what the host's sshd permits. The
 * providers would come upon each of these later, and try again ten times. A preview looks at nothing. `seconds` is how long
 * each hop may take (connectSsh's own, if not given).
 * Throws pulumi.RunError with one line that says what stands in the way (all of them are in problems.ts).
 */
export async function preflight(
  ssh: SshRequest,
  targets: readonly ForwardTarget[],
  seconds?: number,
): Promise<void> {
  if (pulumi.runtime.isDryRun()) return;
  try {
    refuseOverrides(process.env);
    // No engine's: whatever of this stack holds a port now is of another run, and may be ending.
    const me = { label: pulumi.getStack(), engine: "" };
    // One that somebody holds by hand is nothing for this login to open.
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

/** The provider lets these override its explicit settings, and would write to another server. Throws when one is set. */
function refuseOverrides(env: NodeJS.ProcessEnv): void {
  const found = Object.keys(env).filter((name) => /^(ELASTICSEARCH|KIBANA)_/.test(name));
  if (found.length > 0) {
    throw new Error(
      `${found.sort().join(", ")} in the environment would send this stack's resources to another server; unset them`,
    );
  }
}
