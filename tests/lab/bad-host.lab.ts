import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BRIDGE_ADDRESS,
  FORWARD,
  LAB_RUN,
  LAB_STATE,
  literal,
  LXD_PROJECT,
  SIEM_ADDRESS,
  SSH_PORT,
} from "../../lab/places";
import { inContainer, run, until } from "../../lab/shell";
import { containerSettings, labStack } from "../../lab/stack";
import { changes, updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";

/** Runs an update that must fail. Returns its output and how long it took, in seconds. */
async function failing(overrides: Record<string, unknown>): Promise<{ output: string; seconds: number }> {
  const lines: string[] = [];
  const start = Date.now();
  await assert.rejects(updateStack(overrides, (line) => lines.push(line)));
  return { output: lines.join("\n"), seconds: (Date.now() - start) / 1000 };
}

/** Returns the public key of another key pair, as OpenSSH writes it. */
async function otherHostKey(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-"));
  try {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
    return readFileSync(join(folder, "key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("a host that cannot be reached", () => {
  // The limit is relative to an update without changes, because the program's own time depends on the machine.
  const MORE_S = 20;
  let within: number;
  before(async () => {
    const start = Date.now();
    assert.equal(changes(await updateStack()), "nothing changed");
    within = (Date.now() - start) / 1000 + MORE_S;
  });
  const cases: [what: string, overrides: () => Promise<Record<string, unknown>>, reason: RegExp][] = [
    [
      "because nothing listens there",
      () => Promise.resolve({ port: "2299" }),
      /the host 127\.0\.0\.1:2299 refuses the connection/,
    ],
    [
      "because it does not know the user's key",
      () => Promise.resolve({ user: "nobody" }),
      /does not accept the SSH key for the user nobody/,
    ],
    [
      "because it shows another host key",
      async () => ({ hostKey: await otherHostKey() }),
      /shows the wrong host key/,
    ],
    [
      "because it is silent or far away",
      // An address of a network for documentation: no host has it.
      () => Promise.resolve({ host: "192.0.2.1" }),
      new RegExp(`the host 192\\.0\\.2\\.1:${SSH_PORT} (stays silent|is unreachable|refuses the connection)`),
    ],
  ];
  for (const [what, overrides, reason] of cases) {
    it(`is named by the update, ${what}`, async () => {
      const { output, seconds } = await failing(await overrides());
      assert.match(output, reason);
      assert.doesNotMatch(output, /(creating|updating|deleting) \(/, "nothing was touched");
      assert.ok(seconds < within, `${seconds} s, and ${within} s are allowed`);
    });
  }

  it("is named by the update, because the host prohibits forwarding, which direct access does not need", async () => {
    const config = join(LAB_STATE, "sshd_config");
    const kept = readFileSync(config, "utf8");
    const reload = async () => {
      await run("kill", ["-HUP", readFileSync(join(LAB_RUN, "sshd.pid"), "utf8").trim()]);
    };
    const siem = { ...containerSettings(), allowFrom: [`${BRIDGE_ADDRESS}/32`] };
    const direct = { access: "direct", siem };
    writeFileSync(config, `AllowTcpForwarding no\n${kept}`);
    await reload();
    try {
      const { output, seconds } = await failing({});
      assert.match(output, new RegExp(`prohibits forwarding to ${literal(SIEM_ADDRESS)}:\\d+`));
      assert.ok(seconds < within, `${seconds} s, and ${within} s are allowed`);
      // The two providers, and who may reach the ports.
      assert.equal(changes(await updateStack(direct)), "3 update");
      assert.equal(changes(await updateStack(direct)), "nothing changed");
    } finally {
      writeFileSync(config, kept);
      await reload();
    }
  });

  it("is named by the update, because another program uses the forward's port", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(FORWARD.elasticsearchPort, "127.0.0.1", resolve));
    try {
      const { output, seconds } = await failing({});
      assert.match(
        output,
        new RegExp(`the port ${FORWARD.elasticsearchPort} is used by a program that is not a forward`),
      );
      assert.ok(seconds < within, `${seconds} s, and ${within} s are allowed`);
    } finally {
      taken.close();
    }
  });

  it("does not matter for a preview of the existing site", async () => {
    // An address of a network for documentation: no host has it.
    const { changeSummary } = await (await labStack({ host: "192.0.2.1" })).preview({ color: "never" });
    assert.ok((changeSummary.update ?? 0) > 0, "the commands' connection is another");
    assert.ok((changeSummary.same ?? 0) > 0, "what does not depend on the host stays");
  });

  it("leaves nothing behind for the next update", async () => {
    assert.equal((await updateStack()).summary.result, "succeeded");
    assert.equal(changes(await updateStack()), "nothing changed");
  });
});

describe("packages that cannot be installed", () => {
  let generation = 10;
  const site = () =>
    siteVariant("packages", (text) => {
      for (const entry of text.containers) if (entry.name === "postgres") entry.generation = generation;
    });
  /** Removes Filebeat by hand, so that the next update must install it. */
  const withoutFilebeat = async () => {
    generation++;
    await inContainer("postgres", ["dpkg", "--purge", "--force-hold", "filebeat"]);
  };
  const packages = (): Record<string, string> => {
    const found = JSON.parse(readFileSync(join(LAB_STATE, "packages.json"), "utf8")) as Record<
      string,
      string
    >;
    return {
      url: found.url ?? "",
      key: readFileSync(found.keyFile ?? "", "utf8"),
      fingerprint: found.fingerprint ?? "",
    };
  };

  beforeEach(withoutFilebeat);

  it("because the mirror is unreachable", async () => {
    const { output } = await failing({
      site: site(),
      packages: { ...packages(), url: `http://${BRIDGE_ADDRESS}:1/packages` },
    });
    assert.match(output, /apt-get update failed; the lines above are its own/);
    assert.match(output, new RegExp(literal(`${BRIDGE_ADDRESS}:1`)));
  });

  it("because the key has another fingerprint", async () => {
    generation++;
    const { output } = await failing({
      site: site(),
      packages: { ...packages(), fingerprint: "A".repeat(40) },
    });
    assert.match(output, /signing key has the fingerprint [0-9A-F]{40}, the stack's config says A{40}/);
  });

  it("because another key signed the repository", async () => {
    const home = mkdtempSync(join(tmpdir(), "dhis2-siem-"));
    try {
      const gpg = (...args: string[]) =>
        run("gpg", ["--homedir", home, "--batch", "--passphrase", "", ...args]);
      await gpg("--quick-gen-key", "somebody@lab.test", "rsa2048", "sign", "never");
      const key = await gpg("--armor", "--export", "somebody@lab.test");
      const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(await gpg("--with-colons", "--list-keys"))?.[1];
      const { output } = await failing({ site: site(), packages: { url: packages().url, key, fingerprint } });
      assert.match(output, /NO_PUBKEY|not signed|couldn't be verified/);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });

  it("because the disk is full", async () => {
    const archives = "/var/cache/apt/archives";
    await inContainer("postgres", ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", archives]);
    try {
      assert.match((await failing({ site: site() })).output, /enough free space in|No space left on device/);
    } finally {
      await inContainer("postgres", ["umount", archives]);
    }
  });

  it("yet, because another package manager is running: the update waits", async () => {
    const hold = [
      'use Fcntl; open my $file, ">>", "/var/lib/dpkg/lock-frontend" or die;',
      'my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl $file, F_SETLK, $lock or die;',
      '$| = 1; print "held\\n"; sleep 40;',
    ].join(" ");
    let held: boolean | undefined;
    const holder = run("lxc", ["--project", LXD_PROJECT, "exec", "postgres", "--", "perl", "-e", hold], {
      onLine: () => (held = true),
    }).finally(() => (held = false));
    await until("the lock", 20, () => Promise.resolve(held));
    assert.equal((await updateStack({ site: site() })).summary.result, "succeeded");
    assert.equal(held, false, "the update has waited for the lock's end");
    await holder;
    assert.equal((await inContainer("postgres", ["systemctl", "is-active", "filebeat"])).trim(), "active");
    assert.equal(changes(await updateStack({ site: site() })), "nothing changed");
  });
});
