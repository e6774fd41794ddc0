import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { CACHE } from "../../core/cache";
import { ROOT } from "../../core/root";
import { run } from "../shell";

/**
 * A stack with the real CLI and engine on a mocked host (mock.ts; host.ts starts the SSH agent for it). Each caller needs its
 * own `folder`, because two runs in the same folder would change each other's stack.
 */
export class MockedStack {
  private readonly project: string;

  constructor(
    private readonly folder: string,
    program: string,
    config: Readonly<Record<string, string | object>>,
    private readonly agent: string,
  ) {
    mkdirSync(join(folder, "state"), { recursive: true });
    const project = parse(readFileSync(join(program, "Pulumi.yaml"), "utf8")) as { name: string };
    this.project = project.name;
    writeFileSync(
      join(this.folder, "Pulumi.yaml"),
      stringify({ ...project, main: join(program, "index.ts") }),
    );
    this.configure(config);
  }

  /** Replaces the stack's config. */
  configure(config: Readonly<Record<string, string | object>>): void {
    const file = join(this.folder, "Pulumi.bench.yaml");
    const kept = existsSync(file) ? (parse(readFileSync(file, "utf8")) as object) : {};
    const named = Object.entries(config).map(([key, value]) => [`${this.project}:${key}`, value]);
    writeFileSync(file, stringify({ ...kept, config: Object.fromEntries(named) as object }));
  }

  /** Runs the CLI and returns its stdout. */
  pulumi(...args: string[]): Promise<string> {
    // The vendor's language host, if it could be downloaded, is beside its CLI.
    const plugins = [
      join(ROOT, "lab/bench/plugins"),
      join(CACHE, "bin"),
      join(ROOT, "lab/standins/pulumi/bin"),
    ];
    return run("pulumi", [...args, "--stack", "bench", "--cwd", this.folder, "--non-interactive"], {
      env: {
        PATH: `${plugins.join(":")}:${process.env.PATH ?? ""}`,
        PULUMI_HOME: join(CACHE, "pulumi"),
        PULUMI_BACKEND_URL: `file://${join(this.folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "bench",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        SSH_AUTH_SOCK: this.agent,
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      },
    });
  }

  /** Creates everything and returns the number of resources. */
  async make(): Promise<number> {
    await this.pulumi("stack", "select", "--create");
    await this.pulumi("up", "--yes", "--skip-preview");
    const state = JSON.parse(await this.pulumi("stack", "export")) as {
      deployment: { resources: unknown[] };
    };
    return state.deployment.resources.length;
  }

  preview(): Promise<string> {
    return this.pulumi("preview", "--expect-no-changes");
  }

  up(): Promise<string> {
    return this.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
  }
}
