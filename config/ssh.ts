import type { SshHost } from "./site";

/** How to reach the LXD host by SSH. Without a private key, the SSH agent logs in, also to the bastion. */
export interface SshRequest extends SshHost {
  readonly privateKey?: string;
  readonly bastion?: SshHost;
}
