import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, Server as SshServer, utils } from "ssh2";
import { soon } from "../support/soon";
import { listenAnywhere } from "../../core/ports";
import { command } from "../../lab/standins/pulumi/command";
import { plain, secret } from "../../lab/standins/pulumi/marks";

const TOKEN = "command:remote:Command";

interface Run {
  readonly command: string;
  readonly stdin: string;
}

/** A key pair: the private one, and the public one as in authorized_keys. */
function keyPair(folder: string, name: string, passphrase = ""): { privateKey: string; publicKey: string } {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", file]);
  return { privateKey: readFileSync(file, "utf8"), publicKey: readFileSync(`${file}.pub`, "utf8").trim() };
}

describe("the stand-in for the command provider", () => {
  let folder: string;
  let hostKey: ReturnType<typeof keyPair>;
  let user: ReturnType<typeof keyPair>;
  let server: SshServer;
  let port: number;
  let logins: number;
  let runs: Run[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "command-standin-"));
    hostKey = keyPair(folder, "host");
    user = keyPair(folder, "user");
  });
  after(() => rmSync(folder, { recursive: true }));

  beforeEach(async () => {
    logins = 0;
    runs = [];
    server = new SshServer({ hostKeys: [hostKey.privateKey] }, accept);
    port = await listenAnywhere(server);
  });
  afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

  /** A login that knows the user's key, answers commands by their stdin, and forwards. */
  function accept(client: Connection): void {
    const own = utils.parseKey(user.publicKey);
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      const knows =
        context.method === "publickey" &&
        !(own instanceof Error) &&
        context.key.data.equals(own.getPublicSSH());
      if (knows && context.username === "root") context.accept();
      else context.reject(["publickey"]);
    });
    client.on("tcpip", (take, _refuse, { destIP, destPort }) => {
      const channel = take();
      channel.pipe(connect(destPort, destIP)).pipe(channel);
    });
    client.on("ready", () => {
      logins++;
      client.on("session", (takeSession) => {
        const session = takeSession();
        session.on("exec", (take, _refuse, { command: line }) => {
          const channel = take();
          let stdin = "";
          channel.on("data", (chunk: Buffer) => (stdin += chunk.toString()));
          channel.on("end", () => {
            runs.push({ command: line, stdin });
            if (line === "cut off") return client.end();
            channel.write(`ran ${line}\n`);
            channel.stderr.write("on stderr\n");
            if (line === "killed") channel.exit("KILL");
            else channel.exit(line.startsWith("fail") ? 3 : 0);
            channel.end();
          });
        });
      });
    });
  }

  function connection(more: object = {}): object {
    return {
      ...{ host: "127.0.0.1", port, dialErrorLimit: 0 },
      privateKey: user.privateKey,
      hostKey: hostKey.publicKey,
      ...more,
    };
  }

  /** The checked inputs, without marks, as the engine hands them on. */
  function checked(inputs: Record<string, unknown>): Record<string, unknown> {
    return plain(command.check?.(TOKEN, { addPreviousOutputInEnv: false, ...inputs }) ?? {});
  }

  const lines: string[] = [];
  const subject = { token: TOKEN, name: "step", log: (_severity: string, line: string) => lines.push(line) };
  const create = (inputs: Record<string, unknown>) => command.create(subject, checked(inputs));

  it("runs create, update and delete, each with stdin", async () => {
    const inputs = { connection: connection(), create: "make", update: "renew", delete: "undo", stdin: "in" };
    const { id, outputs } = await create(inputs);
    assert.match(id, /^step[0-9a-f]{8}$/);
    assert.deepEqual([outputs.stdout, outputs.stderr], ["ran make", "on stderr"]);
    const after = await command.update?.(subject, id, outputs, checked({ ...inputs, stdin: "new" }));
    assert.equal(after?.stdout, "ran renew");
    await command.delete(subject, id, after ?? {});
    assert.deepEqual(
      runs.map(({ command: line, stdin }) => `${line} < ${stdin}`),
      ["make < in", "renew < new", "undo < new"],
    );
  });

  it("runs create for an update where there is no update, and nothing where there is nothing", async () => {
    const { id, outputs } = await create({ connection: connection(), create: "make" });
    await command.update?.(subject, id, outputs, checked({ connection: connection(), create: "make again" }));
    await command.delete(subject, id, outputs);
    const empty = await create({ connection: connection() });
    assert.deepEqual([empty.outputs.stdout, empty.outputs.stderr], ["", ""]);
    assert.deepEqual(
      runs.map(({ command: line }) => line),
      ["make", "make again"],
    );
  });

  it("logs what it is told to log", async () => {
    const logged = async (logging?: string) => {
      lines.length = 0;
      await create({ connection: connection(), create: "make", logging });
      return [...lines];
    };
    assert.deepEqual((await logged()).sort(), ["on stderr", "ran make"]);
    assert.deepEqual(await logged("stderr"), ["on stderr"]);
    assert.deepEqual(await logged("stdout"), ["ran make"]);
    assert.deepEqual(await logged("none"), []);
  });

  it("fails with the command and all its output, whatever is logged", async () => {
    const inputs = { connection: connection(), create: "fail now", logging: "none" };
    await assert.rejects(create(inputs), (error: Error) => {
      assert.match(error.message, /^Process exited with status 3: running "fail now":\n/);
      assert.match(error.message, /ran fail now\n/);
      assert.match(error.message, /on stderr\n/);
      return true;
    });
    const killed = create({ connection: connection(), create: "killed" });
    await assert.rejects(killed, /^Error: Process exited from signal KILL: running "killed"/);
    const cut = create({ connection: connection(), create: "cut off" });
    await assert.rejects(cut, /^Error: the connection ended before the command: running "cut off"/);
  });

  it("takes the pinned host key only, and no host without a pin", async () => {
    const other = keyPair(folder, "other");
    const wrong = create({ connection: connection({ hostKey: other.publicKey }), create: "make" });
    await assert.rejects(
      wrong,
      /after 0 failed attempts: the host 127\.0\.0\.1:\d+ shows the wrong host key/,
    );
    const unpinned = { connection: connection({ hostKey: undefined }), create: "make" };
    assert.throws(() => checked(unpinned), /needs the connection's host and hostKey/);
    const noKey = create({ connection: connection({ hostKey: "no key" }), create: "make" });
    await assert.rejects(noKey, /the pinned hostKey must be an OpenSSH public key/);
    assert.deepEqual(runs, []);
  });

  it("asks an agent for keys where there is no other", async () => {
    const socket = join(folder, "agent");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    const { SSH_AUTH_SOCK: before } = process.env;
    try {
      await soon("the agent", () => existsSync(socket));
      const key = ["-q", join(folder, "user")];
      execFileSync("ssh-add", key, { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      process.env.SSH_AUTH_SOCK = socket;
      await create({ connection: connection({ privateKey: undefined }), create: "make" });
      assert.equal(runs.length, 1);
    } finally {
      if (before === undefined) delete process.env.SSH_AUTH_SOCK;
      else process.env.SSH_AUTH_SOCK = before;
      agent.kill();
    }
  });

  it("says why a key does not log in, and nothing of the key", async () => {
    const tried = (privateKey: string) => create({ connection: connection({ privateKey }), create: "make" });
    await assert.rejects(
      tried(keyPair(folder, "stranger").privateKey),
      /does not accept the SSH key for the user root/,
    );
    await assert.rejects(tried(keyPair(folder, "locked", "open sesame").privateKey), /has a passphrase/);
    await assert.rejects(tried("s3cret"), (error: Error) => !error.message.includes("s3cret"));
    assert.deepEqual(runs, []);
  });

  it("goes through a bastion that has a host key of its own", async () => {
    const proxy = connection();
    await create({ connection: connection({ proxy }), create: "make" });
    assert.equal(logins, 2);
    const bad = connection({ proxy: { ...proxy, hostKey: keyPair(folder, "bastion").publicKey } });
    await assert.rejects(
      create({ connection: bad, create: "make" }),
      /after 0 .*the bastion 127\.0\.0\.1:\d+ shows the wrong host key/,
    );
  });

  it("tries again as often as it is told", async () => {
    const silent = createServer((socket) => socket.destroy());
    const silentPort = await listenAnywhere(silent);
    try {
      lines.length = 0;
      const to = connection({ port: silentPort, dialErrorLimit: 2 });
      await assert.rejects(create({ connection: to, create: "make" }), /after 2 failed attempts: /);
      assert.deepEqual(lines, ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]);
    } finally {
      silent.close();
    }
    await assert.rejects(
      create({ connection: connection({ port: 1 }), create: "make" }),
      /127\.0\.0\.1:1 refuses the connection/,
    );
  });

  it("dials neither to check nor to compare, adds the defaults, and makes the connection secret", () => {
    const bare = { host: "h", hostKey: "k" };
    const more = { stdin: secret("s"), addPreviousOutputInEnv: false };
    const inputs = command.check?.(TOKEN, {
      ...more,
      connection: { ...bare, privateKey: secret("p"), proxy: bare },
    });
    const defaults = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
    const proxy = { ...defaults, ...bare };
    assert.deepEqual(inputs, {
      ...more,
      connection: secret({ ...defaults, ...bare, privateKey: "p", proxy }),
    });
    const diff = command.diff(TOKEN, {}, { stdin: "a", create: "c" }, { stdin: "b", create: "c" });
    assert.deepEqual(diff, { changed: ["stdin"], replaces: [] });
    assert.equal(logins, 0);
  });

  it("refuses what it does not know", () => {
    assert.throws(() => checked({ connection: {} }), /needs the connection's host and hostKey/);
    assert.throws(() => checked({ connection: connection(), triggers: [1] }), /does not know triggers/);
    assert.throws(
      () => checked({ connection: connection({ password: "pw" }) }),
      /does not know password of a connection/,
    );
    assert.throws(
      () => checked({ connection: connection(), addPreviousOutputInEnv: true }),
      /needs addPreviousOutputInEnv: false/,
    );
    assert.throws(() => command.check?.("command:local:Command", {}), /has no command:local:Command/);
  });
});
