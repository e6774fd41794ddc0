/** The host or a server behind it cannot be reached. The message is one line for the user, without secrets. */
export class ConnectionError extends Error {}

/** The SSH server does not permit this login to open a connection to the target. */
export class ForwardingProhibitedError extends ConnectionError {}

/** The message of every problem with the connection. `at` is a machine's name from `serverName` in ssh.ts. */
export const problems = {
  badPin: (at: string) =>
    `${at}: the pinned hostKey must be an OpenSSH public key, such as "ssh-ed25519 AAAA..." (ssh-keyscan prints it)`,
  wrongHostKey: (at: string, pinned: string, seen: string) =>
    `${at} shows the wrong host key: ${seen}, pinned is ${pinned}; if the host was reinstalled, correct hostKey; if not, somebody may intercept the connection`,
  otherHostKeyType: (at: string, type: string) =>
    `${at} shows the wrong host key: it has none of the pinned type ${type}; correct hostKey (ssh-keyscan prints it)`,
  badKey: () =>
    "the SSH private key cannot be read: it must be the whole text of an OpenSSH or PEM private key",
  encryptedKey: () =>
    "the SSH private key has a passphrase: add it to an SSH agent (ssh-add) and take privateKey out of the config",
  noLogin: () =>
    "no SSH key to log in with: set privateKey (pulumi config set --secret privateKey < FILE), or start an SSH agent (ssh-add)",
  badLogin: (at: string, user: string) =>
    `${at} does not accept the SSH key for the user ${user}: its public half belongs in that user's authorized_keys`,
  agentSilent: (at: string) =>
    `${at}: the SSH agent (SSH_AUTH_SOCK) gave no usable answer; does "ssh-add -l" show the key?`,
  refused: (at: string) => `${at} refuses the connection: nothing listens there, or a firewall rejects it`,
  noSuchHost: (at: string) => `${at}: no such host; is the name right, and does DNS answer?`,
  unreachable: (at: string) => `${at} is unreachable: there is no route to it from here`,
  silent: (at: string, seconds: number) =>
    `${at} stays silent (no SSH answer within ${seconds} s): a firewall drops the connection, or the port is not SSH's`,
  notSsh: (at: string) =>
    `${at} closed the connection before SSH was set up: the port is not SSH's, or sshd is overloaded`,
  handshake: (at: string, detail: string) => `${at}: no SSH session could be set up: ${detail}`,
  prohibited: (at: string, target: string) =>
    `${at} prohibits forwarding to ${target}: set AllowTcpForwarding (and PermitOpen) in its sshd_config`,
  targetClosed: (at: string, target: string, detail: string) =>
    `${at} cannot connect to ${target}: ${detail}`,
  otherStack: (port: number, label: string) =>
    `the port ${port} is held by the forward of the stack "${label}": wait until its run has ended, or give each stack its own port`,
  otherRun: (port: number, label: string) =>
    `the port ${port} is held by the forward of another run of the stack "${label}": wait until that run has ended`,
  portTaken: (port: number) =>
    `the port ${port} is used by a program that is not a forward to this stack's servers: end that program, or choose another port`,
  cannotListen: (port: number, code: string) =>
    `the port ${port} of this machine cannot be listened on (${code})`,
  noEngine: (engine: string) =>
    `the Pulumi engine does not answer at "${engine}"; the forward lives only as long as it does`,
  helperEnded: (how: string) =>
    `the SSH forward's helper ended without a report (${how}); "node -r ./core/register.js connection/helper.ts </dev/null" may show why`,
  helperSilent: (seconds: number) => `the SSH forward was not open after ${seconds} s; its helper was ended`,
} as const;
