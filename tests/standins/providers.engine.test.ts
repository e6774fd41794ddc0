/** The stand-ins under Pulumi's real engine: needs its CLI in the lab's cache (`npm run lab` puts it there). */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as automation from "@pulumi/pulumi/automation";
import * as elasticstack from "@pulumi/elasticstack";
import { remote } from "@pulumi/command";
import * as random from "@pulumi/random";
import { waitFor } from "../../core/wait";
import { freePort, listens } from "../../core/ports";
import { Host } from "../../components/host";
import { CACHE } from "../../core/cache";
import { ROOT } from "../../core/root";
import { loadScripts } from "../../scripts";
import { SAMPLES } from "./providers-samples";
import { type Servers, startServers } from "./providers-servers";

const CLI = join(CACHE, "bin/pulumi");

/** What the program of a run is made with. */
interface Knobs {
  readonly cluster: string;
  readonly title: string;
}

/** A stack whose state is in `folder`, with the stand-ins on its PATH. */
async function stackIn(folder: string, program: automation.PulumiFn): Promise<automation.Stack> {
  mkdirSync(join(folder, "state"));
  return automation.LocalWorkspace.createOrSelectStack(
    { stackName: "test", projectName: "providers", program },
    {
      workDir: folder,
      pulumiCommand: await automation.PulumiCommand.get({ root: CACHE, skipVersionCheck: true }),
      envVars: {
        PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PATH: `${join(ROOT, "lab/standins/pulumi/bin")}${delimiter}${process.env.PATH ?? ""}`,
      },
    },
  );
}

/** How many resources were changed, and how. */
function changes({ resourceChanges = {} }: { resourceChanges?: Record<string, number> }): object {
  return Object.fromEntries(Object.entries(resourceChanges).filter(([what]) => what !== "same"));
}

function needs(file: string): Mocha.Func {
  return function () {
    if (existsSync(file)) return;
    console.log(`      there is no ${file}: skipped`);
    this.skip();
  };
}

describe("the stand-ins under Pulumi's engine", function () {
  this.timeout(120_000);
  let servers: Servers;
  let folder: string;
  let stack: automation.Stack;
  let knobs: Knobs;

  before(needs(CLI));

  beforeEach(async () => {
    servers = await startServers();
    folder = mkdtempSync(join(tmpdir(), "providers-"));
    knobs = { cluster: "one", title: "A" };
    stack = await stackIn(folder, program);
  });
  afterEach(async () => {
    await servers.close();
    rmSync(folder, { recursive: true });
  });

  /** As the stack does it: what lives in the cluster shares its fate. */
  function program(): Promise<Record<string, unknown>> {
    const cluster = new random.RandomUuid("cluster", { keepers: { cluster: knobs.cluster } });
    const password = new random.RandomPassword("password", { length: 20 });
    const login = { username: "elastic", password: password.result, endpoints: [servers.url] };
    const provider = new elasticstack.Provider("elastic", { elasticsearch: login, kibana: login });
    const options = { provider, deletedWith: cluster, replaceWith: [cluster] };
    const inputs = <T>(kind: string) => SAMPLES[kind]?.inputs as T;
    const pipeline = new elasticstack.ElasticsearchIngestPipeline(
      "pipeline",
      {
        ...inputs<elasticstack.ElasticsearchIngestPipelineArgs>("ElasticsearchIngestPipeline"),
        description: knobs.title,
      },
      options,
    );
    const key = new elasticstack.ElasticsearchSecurityApiKey(
      "key",
      inputs<elasticstack.ElasticsearchSecurityApiKeyArgs>("ElasticsearchSecurityApiKey"),
      { ...options, dependsOn: [pipeline] },
    );
    const connector = new elasticstack.KibanaActionConnector(
      "connector",
      inputs<elasticstack.KibanaActionConnectorArgs>("KibanaActionConnector"),
      options,
    );
    const rule = inputs<elasticstack.KibanaAlertingRuleArgs>("KibanaAlertingRule");
    new elasticstack.KibanaAlertingRule(
      "rule",
      {
        ...rule,
        actions: pulumi
          .all([pulumi.output(rule.actions), connector.connectorId])
          .apply(([actions = [], id]) => actions.map((action) => ({ ...action, id }))),
      },
      options,
    );
    const imported = new elasticstack.KibanaImportSavedObjects(
      "dashboards",
      inputs<elasticstack.KibanaImportSavedObjectsArgs>("KibanaImportSavedObjects"),
      options,
    );
    return Promise.resolve({
      key: pulumi.interpolate`${key.keyId}:${key.apiKey}`,
      imported: imported.success,
      password: password.result,
    });
  }

  const writes = () => servers.lines().filter((line) => !line.startsWith("GET"));

  it("creates, changes nothing, updates one thing, refreshes and destroys", async () => {
    const preview = await stack.preview();
    assert.deepEqual(preview.changeSummary, { create: 9 });
    assert.deepEqual(servers.calls, [], "a preview calls no server");

    const first = await stack.up();
    assert.deepEqual(changes(first.summary), { create: 9 });
    assert.match(String(first.outputs.key?.value), /^[0-9a-f-]{36}:s3cret$/);
    assert.deepEqual([first.outputs.key?.secret, first.outputs.password?.secret], [true, true]);
    assert.equal(first.outputs.imported?.value, true);
    const state = readFileSync(join(folder, "state/.pulumi/stacks/providers/test.json"), "utf8");
    for (const value of ["s3cret", "ZW5j", String(first.outputs.password?.value)]) {
      assert.ok(!state.includes(value), "no secret in the state");
    }
    servers.lines();

    const second = await stack.up();
    assert.deepEqual(changes(second.summary), {});
    assert.deepEqual(writes(), []);

    const refresh = await stack.refresh();
    assert.deepEqual(changes(refresh.summary), {});

    knobs = { ...knobs, title: "B" };
    const change = await stack.preview();
    assert.deepEqual(changes({ resourceChanges: change.changeSummary }), { update: 1 });
    const third = await stack.up();
    assert.deepEqual(changes(third.summary), { update: 1 });
    assert.deepEqual(writes(), ["PUT /_ingest/pipeline/p"]);

    servers.kept.delete("/_ingest/pipeline/p");
    assert.deepEqual(changes((await stack.refresh()).summary), { delete: 1 });
    assert.deepEqual(changes((await stack.up()).summary), { create: 1 });
    servers.lines();

    await stack.destroy();
    const deleted = writes().map((line) => line.replace(/[0-9a-f-]{36}/, "ID"));
    assert.deepEqual(deleted, [], "what shares the cluster's fate is not deleted one by one");
  });

  it("is never deleted from a cluster that is gone, and made in the next one", async () => {
    await stack.up();
    servers.lines();
    servers.kept.clear();
    knobs = { ...knobs, cluster: "two" };
    await stack.up();
    const lines = writes();
    assert.deepEqual(
      lines.filter((line) => line.startsWith("DELETE")),
      [],
    );
    assert.equal(lines.filter((line) => line.startsWith("P")).length, 5, lines.join("\n"));
    assert.deepEqual(changes((await stack.up()).summary), {});
  });
});

describe("the stand-in for the command provider under Pulumi's engine, against a real sshd", function () {
  this.timeout(60_000);
  const SSHD = "/usr/sbin/sshd";
  let folder: string;
  let sshd: ChildProcess;
  let port: number;

  before(needs(CLI));
  before(needs(SSHD));

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "providers-"));
    for (const name of ["host", "user"]) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(folder, name)]);
    }
    port = await freePort();
    const settings = {
      ...{ Port: port, ListenAddress: "127.0.0.1", HostKey: join(folder, "host"), PidFile: "none" },
      ...{ AuthorizedKeysFile: join(folder, "user.pub"), StrictModes: "no", UsePAM: "no" },
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key} ${value}\n`);
    writeFileSync(join(folder, "sshd_config"), lines.join(""));
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
    sshd = spawn(SSHD, ["-D", "-f", join(folder, "sshd_config")], { stdio: "ignore" });
    await waitFor({ what: "sshd", seconds: 10, pauseMs: 50 }, () => listens(port));
  });
  afterEach(() => {
    sshd.kill();
    rmSync(folder, { recursive: true });
  });

  it("creates, updates and deletes over SSH, keeps stdin secret, and fails with the command's own output", async () => {
    const read = (file: string) => readFileSync(join(folder, file), "utf8");
    const mark = join(folder, "mark");
    let stdin = "s3cret-one";
    const stack = await stackIn(folder, () => {
      const made = new remote.Command("step", {
        connection: {
          ...{ host: "127.0.0.1", port, user: userInfo().username, privateKey: read("user") },
          hostKey: read("host.pub"),
          dialErrorLimit: 1,
        },
        create: `cat > ${mark}; echo made; test "$(cat ${mark})" != bad || { echo why >&2; exit 4; }`,
        delete: `rm ${mark}`,
        stdin: pulumi.secret(stdin),
        addPreviousOutputInEnv: false,
      });
      return Promise.resolve({ stdout: made.stdout });
    });
    assert.deepEqual((await stack.preview()).changeSummary, { create: 2 });
    assert.ok(!existsSync(mark), "a preview runs nothing");
    const first = await stack.up();
    assert.equal(first.outputs.stdout?.value, "made");
    assert.equal(read("mark"), "s3cret-one");
    const state = read("state/.pulumi/stacks/providers/test.json");
    assert.ok(
      !state.includes("s3cret-one") && !state.includes("OPENSSH PRIVATE KEY"),
      "no secret in the state",
    );
    assert.deepEqual(changes((await stack.up()).summary), {});

    stdin = "bad";
    await assert.rejects(stack.up(), /Process exited with status 4: running "cat > .*\n\s*made\n\s*why/);
    stdin = "s3cret-two";
    assert.deepEqual(changes((await stack.up()).summary), { update: 1 });
    assert.equal(read("mark"), "s3cret-two");
    await stack.destroy();
    assert.ok(!existsSync(mark));
  });

  it("shows a step's lines while it runs, and what it warned of afterwards too, as long as it stands", async () => {
    const read = (file: string) => readFileSync(join(folder, file), "utf8");
    const script = `main() { printf 'siem: %s\\n' begins 'warning: no limit' ends >&2; }`;
    const login = { user: "root", privateKey: read("user"), hostKey: read("host.pub") };
    const host = new Host({
      connection: { host: "127.0.0.1", port, ...login },
      lxdProject: "default",
      scripts: { ...loadScripts(), cluster: script },
    });
    const stack = await stackIn(folder, () => {
      host.standaloneCommand("step", "cluster", { title: "a step", values: {} }, {});
      return Promise.resolve({});
    });
    const said = async () => {
      const shown: automation.DiagnosticEvent[] = [];
      await stack.up({
        onEvent: ({ diagnosticEvent }) => {
          // The SDK's debug lines hold all of it, too.
          if (diagnosticEvent && /^(in its last run|siem: )/.test(diagnosticEvent.message))
            shown.push(diagnosticEvent);
        },
      });
      return (passing: boolean) =>
        shown
          .filter(({ ephemeral = false }) => ephemeral === passing)
          .map(({ message }) => message.trim())
          .sort();
    };
    const first = await said();
    assert.deepEqual(first(true), ["siem: begins", "siem: ends", "siem: warning: no limit"]);
    const kept = ["in its last run:\nsiem: warning: no limit"];
    assert.deepEqual(first(false), kept);
    const second = await said();
    assert.deepEqual([second(true), second(false)], [[], kept]);
  });
});
