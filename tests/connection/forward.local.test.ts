import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { ROOT } from "../../core/root";
import {
  type ForwardTarget,
  type HelperReport,
  type HelperRequest,
  startHelper,
} from "../../connection/forward";
import { freePort, listens, LOOPBACK } from "../../core/ports";
import * as servers from "../../lab/bench/ssh-servers";
import { soon } from "../support/soon";

const hostKeys = servers.keys();
const login = servers.keys();
const stranger = servers.keys();
const siem = servers.certificate();

/** Starts a fake engine, an SSH host and a server behind it. Each test changes one part of the request. */
async function site(options: Partial<servers.SshOptions> = {}) {
  const engine = await servers.fakeEngine();
  const ssh = await servers.sshServer({
    hostPrivateKey: hostKeys.private,
    authorized: login.public,
    ...options,
  });
  const target: ForwardTarget = {
    localPort: await freePort(),
    host: LOOPBACK,
    port: await servers.httpsServer(siem),
    tls: { caPem: siem.cert },
  };
  const request: HelperRequest = {
    engine: engine.address,
    label: "prod",
    ssh: {
      host: LOOPBACK,
      port: ssh.port,
      user: "admin",
      hostKey: hostKeys.public,
      privateKey: login.private,
    },
    targets: [target],
  };
  return { engine, ssh, target, request };
}

/** Returns the helpers that still run after some work. */
async function helpersOf<T>(work: () => Promise<T>): Promise<[T, number[]]> {
  const before = servers.helperPids();
  const result = await work();
  return [result, servers.helperPids().filter((pid) => !before.includes(pid))];
}

async function mustOpen(request: HelperRequest): Promise<void> {
  assert.deepEqual(await startHelper(request), { open: true });
}

/** Checks that no forward opens, that the error has this line, and that nothing listens on the port afterwards. */
async function mustFail(request: HelperRequest, line: RegExp): Promise<void> {
  const started = Date.now();
  const report = await startHelper(request);
  assert.ok(!report.open, "a forward was opened");
  assert.match(report.problem, line);
  assert.ok(!report.problem.includes("\n"), "the error takes more than one line");
  assert.ok(Date.now() - started < 15_000, "it took more than 15 s");
}

describe("the SSH forward", function () {
  this.timeout(30_000);
  before(function () {
    if (!existsSync("/proc/self/cmdline"))
      servers.skip(this, "helpers are found in /proc, which this system lacks");
  });

  describe("while it is open", () => {
    let opened: Awaited<ReturnType<typeof site>>;
    let second: ForwardTarget;
    let pid: number;

    before(async () => {
      opened = await site();
      second = { ...opened.target, localPort: await freePort() };
      process.env.PULUMI_CONFIG_PASSPHRASE = "passphrase-of-the-state";
      servers.atEnd(() => void delete process.env.PULUMI_CONFIG_PASSPHRASE);
      const open = () => mustOpen({ ...opened.request, targets: [opened.target, second] });
      [, [pid = 0]] = await helpersOf(open);
    });
    after(() => servers.endAll());

    it("carries several connections to several targets at once, whole, in one SSH session", async () => {
      const ports = [opened.target.localPort, opened.target.localPort, second.localPort];
      const bodies = await Promise.all(ports.map((port) => servers.fetchBody(port, siem.cert)));
      for (const body of bodies) assert.ok(body === servers.BODY, "another body came through");
      assert.equal(opened.ssh.sessions.size, 1);
    });

    it("serves the same engine's next request", async () => {
      await mustOpen(opened.request);
      assert.equal(opened.ssh.sessions.size, 1);
    });

    it("goes on after Ctrl-C and a closed terminal", async () => {
      process.kill(pid, "SIGINT");
      process.kill(pid, "SIGHUP");
      assert.ok((await servers.fetchBody(second.localPort, siem.cert)) === servers.BODY);
    });

    it("shows no secret in its arguments or environment", () => {
      const shown = servers.readProc(pid, "cmdline") + servers.readProc(pid, "environ");
      assert.match(shown, /TS_NODE_PROJECT/);
      for (const line of login.private.split("\n").filter((text) => text !== "")) {
        assert.ok(!shown.includes(line), "a line of the private key is shown");
      }
      assert.ok(!shown.includes("passphrase-of-the-state"));
    });
  });

  describe("its life", () => {
    afterEach(() => servers.endAll());

    it("ends with the engine's connection, and leaves neither process nor port", async () => {
      const { request, target, engine } = await site();
      const [, pids] = await helpersOf(() => mustOpen(request));
      assert.equal(pids.length, 1);
      engine.process.kill("SIGTERM");
      await soon("the end of the helper", () => !servers.helperPids().includes(pids[0] ?? 0));
      // The helper is found by its arguments, which an ending process loses a moment before its ports.
      await soon("a free port", async () => !(await listens(target.localPort)));
    });

    it("ends when the engine is killed with -9", async () => {
      const { request, target, engine, ssh } = await site();
      const [, pids] = await helpersOf(() => mustOpen(request));
      engine.process.kill("SIGKILL");
      await soon("the end of the helper", () => !servers.helperPids().includes(pids[0] ?? 0));
      await soon("the end of the SSH session", () => ssh.sessions.size === 0);
      await soon("a free port", async () => !(await listens(target.localPort)));
    });

    it("ends with the SSH session", async () => {
      const { request, target, ssh } = await site();
      await mustOpen(request);
      for (const session of ssh.sessions) session.end();
      await soon("a free port", async () => !(await listens(target.localPort)));
    });

    it("outlives the program that opened it, and does not keep that from ending", async () => {
      const { request, target } = await site();
      const code = `require("./connection/forward").startHelper(JSON.parse(require("fs").readFileSync(0, "utf8")))
        .then((report) => console.log(JSON.stringify(report)))`;
      const program = spawn(process.execPath, ["-r", "./core/register.js", "-e", code], {
        cwd: ROOT,
        stdio: ["pipe", "pipe", "inherit"],
      });
      servers.atEnd(() => void program.kill("SIGKILL"));
      let said = "";
      program.stdout.on("data", (text: Buffer) => (said += String(text)));
      program.stdin.end(JSON.stringify(request));
      assert.deepEqual(await once(program, "close"), [0, null]);
      assert.deepEqual(JSON.parse(said), { open: true } satisfies HelperReport);
      assert.ok((await servers.fetchBody(target.localPort, siem.cert)) === servers.BODY);
    });
  });

  describe("says in one line, within seconds, why it does not open:", () => {
    afterEach(() => servers.endAll());

    it("the host shows the wrong key", async () => {
      const { request } = await site();
      await mustFail(
        { ...request, ssh: { ...request.ssh, hostKey: stranger.public } },
        /^the host 127\.0\.0\.1:\d+ shows the wrong host key: SHA256:\S+, pinned is SHA256:\S+;/,
      );
    });

    it("one of the servers behind the host is closed; then no port is bound", async () => {
      const { request, target } = await site();
      const closed = { ...target, localPort: await freePort(), port: await freePort() };
      await mustFail(
        { ...request, targets: [target, closed] },
        new RegExp(`^the host \\S+ cannot connect to 127\\.0\\.0\\.1:${closed.port}: connection refused`),
      );
      assert.equal(await listens(target.localPort), false);
    });

    it("another stack's forward holds the port", async () => {
      const { request } = await site();
      await mustOpen({ ...request, label: "staging" });
      await mustFail(request, /^the port \d+ is held by the forward of the stack "staging"/);
    });

    it("there is no engine", async () => {
      const { request } = await site();
      await mustFail({ ...request, engine: `${LOOPBACK}:${await freePort()}` }, /engine does not answer/);
      await mustFail({ ...request, engine: "" }, /engine does not answer/);
    });

    it("the helper cannot run", async () => {
      const { request } = await site();
      const { execPath } = process;
      servers.atEnd(() => void (process.execPath = execPath));
      process.execPath = "/bin/false";
      await mustFail(request, /^the SSH forward's helper ended without a report \(exit code 1\)/);
      process.execPath = "/nonexistent/node";
      await mustFail(request, /^the SSH forward's helper ended without a report \(spawn \S+ ENOENT\)/);
    });
  });

  describe("where a forward is there already", () => {
    afterEach(() => servers.endAll());

    it("uses one that was opened by hand, and needs no SSH for it", async () => {
      const { request, target } = await site();
      const localPort = await servers.httpsServer(siem);
      const unreachable = { ...request.ssh, port: await freePort() };
      const [, left] = await helpersOf(() =>
        mustOpen({ ...request, ssh: unreachable, targets: [{ ...target, localPort }] }),
      );
      await soon("the end of its helpers", () => !left.some((pid) => servers.helperPids().includes(pid)));
    });

    it("opens what is missing beside it", async () => {
      const { request, target } = await site();
      const byHand = { ...target, localPort: await servers.httpsServer(siem) };
      await mustOpen({ ...request, targets: [byHand, target] });
      assert.ok((await servers.fetchBody(target.localPort, siem.cert)) === servers.BODY);
    });

    it("waits for the one of an earlier run that is ending", async () => {
      const { request, target, engine } = await site();
      await mustOpen(request);
      const next = await servers.fakeEngine();
      const starting = startHelper({ ...request, engine: next.address });
      engine.process.kill("SIGKILL");
      const report = await starting;
      assert.deepEqual(report, { open: true });
      assert.ok((await servers.fetchBody(target.localPort, siem.cert)) === servers.BODY);
    });
  });
});
