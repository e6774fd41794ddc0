import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { utils } from "ssh2";
import { ConnectionError } from "../../connection/problems";
import type { SshRequest } from "../../config/ssh";
import { connectSsh, openChannel } from "../../connection/ssh";
import { freePort, listens, LOOPBACK } from "../../core/ports";
import * as servers from "../../lab/bench/ssh-servers";
import { soon } from "../support/soon";

const SSHD = "/usr/sbin/sshd";
const hostKeys = servers.keys();
const login = servers.keys();
const stranger = servers.keys();
const GREETING = "from behind the host";

/** Starts an SSH host, and returns a request to log in to it. Each test changes one part. */
async function host(options: Partial<servers.SshOptions> = {}): Promise<SshRequest> {
  const ssh = await servers.sshServer({
    hostPrivateKey: hostKeys.private,
    authorized: login.public,
    ...options,
  });
  return {
    host: LOOPBACK,
    port: ssh.port,
    user: "admin",
    hostKey: hostKeys.public,
    privateKey: login.private,
  };
}

/** Returns the text that a server behind the host sends. */
async function greetingThrough(request: SshRequest): Promise<string> {
  const port = await servers.listenTillEnd(createServer((socket) => socket.end(GREETING)));
  const client = await connectSsh(request, 5);
  try {
    return await text(await openChannel(client, "the host", { host: LOOPBACK, port }));
  } finally {
    client.end();
  }
}

async function mustFail(work: Promise<unknown>, line: RegExp): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof ConnectionError, String(error));
    assert.match(error.message, line);
    assert.ok(!error.message.includes("\n"), "the error takes more than one line");
    return true;
  });
}

describe("an SSH session with a pinned host key", function () {
  this.timeout(20_000);
  afterEach(() => servers.endAll());

  for (const [name, pair] of [
    ["ed25519", hostKeys],
    ["ECDSA", utils.generateKeyPairSync("ecdsa", { bits: 256 })],
    ["RSA", utils.generateKeyPairSync("rsa", { bits: 2048 })],
  ] as const) {
    it(`is set up where the pin is the host's ${name} key, with or without a comment`, async () => {
      const request = await host({ hostPrivateKey: pair.private });
      const bare = pair.public.split(" ").slice(0, 2).join(" ");
      for (const hostKey of [bare, `${bare} root@host\n`]) {
        assert.equal(await greetingThrough({ ...request, hostKey }), GREETING);
      }
    });
  }

  it("goes through a bastion, and says which of the two is wrong", async () => {
    const request = await host();
    const bastionKeys = servers.keys();
    const bastion = { ...(await host({ hostPrivateKey: bastionKeys.private })), hostKey: bastionKeys.public };
    assert.equal(await greetingThrough({ ...request, bastion }), GREETING);
    await mustFail(
      connectSsh({ ...request, bastion: { ...bastion, hostKey: stranger.public } }),
      /^the bastion 127\.0\.0\.1:\d+ shows the wrong host key/,
    );
    await mustFail(
      connectSsh({ ...request, hostKey: stranger.public, bastion }),
      /^the host 127\.0\.0\.1:\d+ shows the wrong host key/,
    );
    const port = await freePort();
    await mustFail(
      connectSsh({ ...request, port, bastion }),
      new RegExp(`^the bastion \\S+ cannot connect to 127\\.0\\.0\\.1:${port}: connection refused`),
    );
  });

  it("logs in through the SSH agent where there is no private key", async function () {
    const folder = mkdtempSync(join(tmpdir(), "agent-"));
    const socket = join(folder, "socket");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" }).on("error", () => undefined);
    const before = process.env.SSH_AUTH_SOCK;
    servers.atEnd(() => {
      agent.kill();
      rmSync(folder, { recursive: true });
      if (before === undefined) delete process.env.SSH_AUTH_SOCK;
      else process.env.SSH_AUTH_SOCK = before;
    });
    if (agent.pid === undefined) servers.skip(this, "no ssh-agent on this machine");
    await soon("the agent", () => existsSync(socket));
    const request: SshRequest = { ...(await host()), privateKey: undefined };
    process.env.SSH_AUTH_SOCK = socket;
    await mustFail(connectSsh(request), /does not accept the SSH key for the user admin/);
    execFileSync("ssh-add", ["-"], {
      input: login.private,
      env: { SSH_AUTH_SOCK: socket, PATH: process.env.PATH },
      stdio: "pipe",
    });
    assert.equal(await greetingThrough(request), GREETING);
    process.env.SSH_AUTH_SOCK = join(folder, "nobody");
    await mustFail(connectSsh(request), /the SSH agent \(SSH_AUTH_SOCK\) gave no usable answer/);
    delete process.env.SSH_AUTH_SOCK;
    await mustFail(connectSsh(request), /^no SSH key to log in with: set privateKey/);
  });

  describe("says in one line why there is none:", () => {
    const wrong = (
      what: string,
      change: () => Partial<SshRequest> | Promise<Partial<SshRequest>>,
      line: RegExp,
    ) =>
      it(what, async () => {
        const request = await host();
        await mustFail(connectSsh({ ...request, ...(await change()) }, 1), line);
      });

    wrong(
      "another host key",
      () => ({ hostKey: stranger.public }),
      /^the host 127\.0\.0\.1:\d+ shows the wrong host key: SHA256:\S+, pinned is SHA256:\S+;/,
    );
    wrong(
      "no host key of the pinned type",
      () => ({ hostKey: utils.generateKeyPairSync("ecdsa", { bits: 256 }).public }),
      /shows the wrong host key: it has none of the pinned type ecdsa-sha2-nistp256/,
    );
    wrong(
      "a pin that is no key",
      () => ({ hostKey: "SHA256:ab" }),
      /hostKey must be an OpenSSH public key, such as/,
    );
    wrong(
      "a pin that is a private key",
      () => ({ hostKey: login.private }),
      /hostKey must be an OpenSSH public key/,
    );
    wrong(
      "a login key that the host does not know",
      () => ({ privateKey: stranger.private }),
      /does not accept the SSH key for the user admin/,
    );
    wrong(
      "a login key that cannot be read (and is not repeated)",
      () => ({ privateKey: login.private.slice(0, 120) }),
      /^the SSH private key cannot be read: it must be the whole text of an OpenSSH or PEM private key$/,
    );
    wrong(
      "a login key with a passphrase",
      () => {
        const locked = { passphrase: "x", cipher: "aes256-ctr", rounds: 16 };
        return { privateKey: utils.generateKeyPairSync("ed25519", locked).private };
      },
      /^the SSH private key has a passphrase: add it to an SSH agent/,
    );
    wrong("a closed port", async () => ({ port: await freePort() }), /refuses the connection/);
    // A name that is reserved for tests (RFC 6761).
    wrong("no such host", () => ({ host: "siem.invalid" }), /^the host siem\.invalid:\d+: no such host/);
    wrong(
      "a silent port",
      async () => ({ port: await servers.listenTillEnd(createServer()) }),
      /stays silent \(no SSH answer within 1 s\)/,
    );
    wrong(
      "a port that is not SSH's",
      async () => ({
        port: await servers.listenTillEnd(createServer((socket) => socket.end("550 no\r\n"))),
      }),
      /closed the connection before SSH was set up/,
    );

    it("a closed target", async () => {
      const client = await connectSsh(await host());
      servers.atEnd(() => void client.end());
      const port = await freePort();
      await mustFail(
        openChannel(client, "the host h:22", { host: LOOPBACK, port }),
        new RegExp(`^the host h:22 cannot connect to 127\\.0\\.0\\.1:${port}: connection refused$`),
      );
    });

    it("forwarding is prohibited", async () => {
      const client = await connectSsh(await host({ forwarding: "prohibited" }));
      servers.atEnd(() => void client.end());
      await mustFail(
        openChannel(client, "the host h:22", { host: LOOPBACK, port: 9200 }),
        /^the host h:22 prohibits forwarding to 127\.0\.0\.1:9200: set AllowTcpForwarding/,
      );
    });
  });

  describe("with the machine's own sshd", () => {
    before(function () {
      if (!existsSync(SSHD)) servers.skip(this, "no sshd on this machine");
      if (userInfo().uid === 0 && !existsSync("/run/sshd"))
        servers.skip(this, "sshd needs /run/sshd, which is missing");
    });

    async function sshd(settings: string[] = []): Promise<SshRequest> {
      const folder = mkdtempSync(join(tmpdir(), "sshd-"));
      const file = (name: string, content: string) => {
        writeFileSync(join(folder, name), content, { mode: 0o600 });
        return join(folder, name);
      };
      const port = await freePort();
      const config = [
        `ListenAddress 127.0.0.1:${port}`,
        `HostKey ${file("host_key", hostKeys.private)}`,
        `AuthorizedKeysFile ${file("authorized_keys", login.public)}`,
        ...["PidFile none", "StrictModes no", "UsePAM no", "PermitRootLogin yes", ...settings],
      ].join("\n");
      const server = spawn(SSHD, ["-D", "-e", "-f", file("sshd_config", `${config}\n`)], { stdio: "ignore" });
      servers.atEnd(() => {
        server.kill();
        rmSync(folder, { recursive: true });
      });
      await soon("sshd", () => listens(port));
      const { username } = userInfo();
      return { host: LOOPBACK, port, user: username, hostKey: hostKeys.public, privateKey: login.private };
    }

    it("carries a connection, and says why where it does not", async () => {
      const request = await sshd();
      assert.equal(await greetingThrough(request), GREETING);
      await mustFail(
        connectSsh({ ...request, privateKey: stranger.private }),
        /does not accept the SSH key for/,
      );
      const client = await connectSsh(request);
      servers.atEnd(() => void client.end());
      const closed = { host: LOOPBACK, port: await freePort() };
      await mustFail(openChannel(client, "the host", closed), /cannot connect to \S+: Connection refused$/);
    });

    it("says that forwarding is prohibited", async () => {
      const request = await sshd(["AllowTcpForwarding no"]);
      await mustFail(greetingThrough(request), /prohibits forwarding to 127\.0\.0\.1:\d+/);
    });
  });
});
