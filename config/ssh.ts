import type { SshHost } from "./site";

/** The LXD host, and the bastion before it if there is one. Without a private key, the SSH agent logs in (to both). */
export interface SshRequest extends SshHost {
  readonly privateKey?: string;
  readonly bastion?: SshHost;
}
