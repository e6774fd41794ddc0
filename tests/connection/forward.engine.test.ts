import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as automation from "@pulumi/pulumi/automation";
import { CACHE } from "../../core/cache";
import { openForward, type ForwardRequest } from "../../connection/forward";
import { freePort, listens, LOOPBACK } from "../../core/ports";
import * as servers from "../../lab/bench/ssh-servers";
import { soon } from "../support/soon";

/** The engine of a running Automation API call: this process's child. */
function enginePid(): number | undefined {
  const parent = (pid: string) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter(
      (pid) => /\/pulumi\0up\0/.test(servers.readProc(pid, "cmdline")) && parent(pid) === `${process.pid}`,
    )
    .map(Number)[0];
}

/** A stack of no resources whose program runs `work` in an update. */
async function stackThat(work: () => Promise<unknown>): Promise<automation.Stack> {
  const workDir = mkdtempSync(join(tmpdir(), "engine-"));
  servers.atEnd(() => rmSync(workDir, { recursive: true, force: true }));
  return automation.LocalWorkspace.createStack(
    { stackName: "prod", projectName: "forward", program: async () => ({ result: await work() }) },
    {
      workDir,
      pulumiCommand: await automation.PulumiCommand.get({ root: CACHE, skipVersionCheck: true }),
      envVars: {
        PULUMI_BACKEND_URL: `file://${workDir}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    },
  );
}

describe("the SSH forward with the real engine", function () {
  this.timeout(60_000);
  const siem = servers.certificate();
  const [hostKeys, login] = [servers.keys(), servers.keys()];

  before(function () {
    if (!existsSync(join(CACHE, "bin/pulumi")))
      servers.skip(this, "no Pulumi CLI in the cache yet: the lab brings it");
  });
  afterEach(() => servers.endAll());

  async function request(): Promise<ForwardRequest & { localPort: number }> {
    const ssh = await servers.sshServer({ hostPrivateKey: hostKeys.private, authorized: login.public });
    const localPort = await freePort();
    const target = { localPort, host: LOOPBACK, port: await servers.httpsServer(siem) };
    return {
      label: "prod",
      ssh: {
        host: LOOPBACK,
        port: ssh.port,
        user: "admin",
        hostKey: hostKeys.public,
        privateKey: login.private,
      },
      targets: [target],
      localPort,
    };
  }

  it("is open during an update, and gone after it", async () => {
    const { localPort, ...forward } = await request();
    const stack = await stackThat(async () => {
      await openForward(forward);
      return (await servers.fetchBody(localPort, siem.cert)).length;
    });
    const { outputs } = await stack.up();
    assert.equal(outputs.result?.value, servers.BODY.length);
    await soon("a free port", async () => !(await listens(localPort)));
  });

  it("is gone after the engine was killed with -9", async () => {
    const { localPort, ...forward } = await request();
    const stack = await stackThat(async () => {
      await openForward(forward);
      assert.ok(await listens(localPort));
      process.kill(enginePid() ?? assert.fail("the engine was not found"), "SIGKILL");
    });
    await assert.rejects(stack.up(), /SIGKILL|code: -2/);
    await soon("a free port", async () => !(await listens(localPort)));
  });

  it("shows its error as one line, without a dump", async () => {
    const { ssh, ...forward } = await request();
    const stack = await stackThat(() =>
      openForward({ ...forward, ssh: { ...ssh, hostKey: servers.keys().public } }),
    );
    await assert.rejects(stack.up(), (error: Error) => {
      assert.match(error.message, /the host 127\.0\.0\.1:\d+ shows the wrong host key: SHA256:/);
      assert.doesNotMatch(error.message, /forward\.ts|at async|PRIVATE KEY/);
      return true;
    });
  });
});
