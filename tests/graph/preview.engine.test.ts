/** Pulumi's real engine previews the real program: needs its CLI in the lab's cache (`npm run lab` puts it there). */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parse, stringify } from "yaml";
import { mockedHost } from "../../lab/bench/host";
import { MockedStack } from "../../lab/bench/stack";
import { CACHE } from "../../core/cache";
import { listenAnywhere } from "../../core/ports";
import { ROOT } from "../../core/root";
import { EXAMPLE_CONFIG } from "../../commands/graph";
import { previewComment } from "../../commands/preview-comment";
import { endAll } from "../../lab/bench/ssh-servers";

const CLI = join(CACHE, "bin/pulumi");
/** RFC 5737: routed nowhere. */
const NOWHERE = "192.0.2.1";
/** A network of its own, with a loopback and no other way. */
const CUT_OFF = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
const canBeCutOff = () => spawnSync("unshare", ["-rn", "ip", "link", "set", "lo", "up"]).status === 0;

describe("a preview by Pulumi's engine", function () {
  this.timeout(300_000);
  let folder: string;

  before(function () {
    if (existsSync(CLI)) return;
    console.log("      no Pulumi CLI in the cache yet, the lab brings it: skipped");
    this.skip();
  });
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "preview-"))));
  afterEach(async () => {
    await endAll();
    rmSync(folder, { recursive: true });
  });

  const env = () => ({
    ...process.env,
    PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_HOME: join(folder, "home"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PATH: `${join(ROOT, "lab/standins/pulumi/bin")}${delimiter}${process.env.PATH ?? ""}`,
  });

  /** A new stack of an example site, with this in its config. */
  function makeStack(config: Readonly<Record<string, string | object>>): void {
    mkdirSync(join(folder, "state"));
    const project = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as object;
    writeFileSync(join(folder, "Pulumi.yaml"), stringify({ ...project, main: ROOT }));
    execFileSync(CLI, ["stack", "init", "preview"], { cwd: folder, env: env(), stdio: "pipe" });
    const file = join(folder, "Pulumi.preview.yaml");
    const made = parse(readFileSync(file, "utf8")) as object;
    const all = { ...EXAMPLE_CONFIG, site: "tests/sites/nginx.json", ...config };
    const entries = Object.entries(all).map(([key, value]) => [`dhis2-siem:${key}`, value]);
    writeFileSync(file, stringify({ ...made, config: Object.fromEntries(entries) as object }));
  }

  async function preview(
    through: readonly string[] = [],
  ): Promise<{ output: string; status: number | null }> {
    const command = [...through, CLI, "preview", "--diff", "--stack", "preview", "--non-interactive"];
    const [program = "", ...args] = [...command, "--color", "never", "--suppress-permalink=true"];
    const child = spawn(program, args, { cwd: folder, env: env() });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (output += String(part)));
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    return { output, status };
  }

  it("needs no host: it is all there where nothing can be reached", async function () {
    if (!canBeCutOff()) {
      console.log("      this machine gives no network of one's own (unshare -rn): skipped");
      this.skip();
    }
    makeStack({ host: NOWHERE });
    const { output, status } = await preview(CUT_OFF);
    assert.equal(status, 0, output);
    assert.match(output, /^ {4}\+ \d\d+ to create$/m);
    const comment = previewComment({ stack: "preview", commit: "", output, status, secrets: ["test"] });
    assert.match(comment, /^### Preview of `preview`: \d\d+ to create$/m);
  });

  it("shows that another heap or version is that step alone, and that on another host the cluster may be another", async () => {
    const host = await mockedHost(folder);
    const site = join(ROOT, "tests/sites/nginx.json");
    const config = {
      ...EXAMPLE_CONFIG,
      ...host.config,
      site,
      access: "direct",
      siem: { allowFrom: ["127.0.0.0/24"] },
    };
    const stack = new MockedStack(folder, ROOT, config, host.agent);
    await stack.make();
    const changed = async (siem: object): Promise<string[]> => {
      stack.configure({ ...config, ...siem });
      const { steps } = JSON.parse(await stack.pulumi("preview", "--json")) as {
        steps: { op: string; urn: string }[];
      };
      return steps.filter(({ op }) => op !== "same").map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`);
    };
    assert.deepEqual(await changed({ siem: { ...config.siem, memory: "8GiB", heap: "2g" } }), [
      "update siem-container",
      "update elastic-servers",
    ]);
    assert.deepEqual(await changed({ versions: { elastic: "8.19.9" } }), ["update elastic-servers"]);
    const shown = await stack.pulumi("preview", "--diff", "--color", "never");
    assert.match(shown, /^ *- ELASTIC_VERSION='8\.19\.8'\n *\+ ELASTIC_VERSION='8\.19\.9'$/m);
    const elsewhere = await changed({ host: "other.example.org" });
    assert.ok(elsewhere.includes("replace logs-template"), elsewhere.join("\n"));
  });

  it("ends before it gives the password to a plugin on the PATH that is not the project's own", async () => {
    makeStack({ host: NOWHERE });
    const bin = join(folder, "bin");
    mkdirSync(bin);
    const plugin = join(bin, "pulumi-resource-terraform-provider");
    const own = join(ROOT, "lab/standins/pulumi/bin/pulumi-resource-terraform-provider");
    writeFileSync(plugin, `#!/bin/sh\nexec ${own} "$@"\n`);
    chmodSync(plugin, 0o755);
    const { output, status } = await preview(["env", `PATH=${bin}${delimiter}${env().PATH}`]);
    assert.notEqual(status, 0);
    assert.match(output, new RegExp(`error: ${plugin} would receive the password .* take it off the PATH`));
  });

  it("dials neither the host nor the forward's ports", async () => {
    let dialled = 0;
    const servers = [0, 1, 2].map(() =>
      createServer((socket) => {
        dialled += 1;
        socket.destroy();
      }),
    );
    const [port = 0, elasticsearchPort = 0, kibanaPort = 0] = await Promise.all(servers.map(listenAnywhere));
    makeStack({ host: "127.0.0.1", port: String(port), forward: { elasticsearchPort, kibanaPort } });
    const { output, status } = await preview();
    for (const server of servers) server.close();
    assert.equal(status, 0, output);
    assert.equal(dialled, 0);
  });
});
