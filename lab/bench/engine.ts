import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { EXAMPLE_CONFIG } from "../../tools/graph";
import { makeSite } from "../../tests/sites/make";
import { CACHE, LAB_STATE, ROOT } from "../places";
import { run, script } from "../shell";
import { median, type Progress, seconds } from "./measure";

/** What `preview` and an `up` without changes take, against a program of as many bare resources. Times in seconds. */
export interface EngineRow {
  readonly containers: number;
  readonly resources: number;
  readonly preview: Pair;
  readonly up: Pair;
}

interface Pair {
  readonly site: number;
  readonly bare: number;
}

const ROUNDS = 3;
const SIZES = [10, 50, 200];

/** A stack with the real CLI and engine, on a host that is mocked (mock.ts), in a folder of its own. */
class BenchStack {
  private readonly folder: string;

  constructor(name: string, program: string, config: Readonly<Record<string, string>>) {
    this.folder = join(CACHE, "bench", name);
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(join(this.folder, "state"), { recursive: true });
    const project = parse(readFileSync(join(program, "Pulumi.yaml"), "utf8")) as { name: string };
    writeFileSync(
      join(this.folder, "Pulumi.yaml"),
      stringify({ ...project, main: join(program, "index.ts") }),
    );
    const named = Object.entries(config).map(([key, value]) => [`${project.name}:${key}`, value]);
    writeFileSync(
      join(this.folder, "Pulumi.bench.yaml"),
      stringify({ config: Object.fromEntries(named) as object }),
    );
  }

  /** Runs the CLI; gives its stdout. */
  pulumi(...args: string[]): Promise<string> {
    const plugins = [join(ROOT, "lab/bench/plugins"), join(LAB_STATE, "plugins"), join(CACHE, "bin")];
    return run("pulumi", [...args, "--stack", "bench", "--cwd", this.folder, "--non-interactive"], {
      env: {
        PATH: `${plugins.join(":")}:${process.env.PATH ?? ""}`,
        PULUMI_HOME: join(CACHE, "pulumi"),
        PULUMI_BACKEND_URL: `file://${join(this.folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "bench",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      },
    });
  }

  /** Makes everything; gives the number of resources. */
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

/** Measures sites of 10, 50 and 200 containers; each round runs all four in turn, and the medians count. */
export async function benchEngine(progress: Progress): Promise<EngineRow[]> {
  await script("build/pulumi.sh", []);
  const rows: EngineRow[] = [];
  for (const containers of SIZES) {
    progress(`${containers} containers`);
    const file = join(CACHE, "bench", `site-${containers}.json`);
    mkdirSync(join(CACHE, "bench"), { recursive: true });
    writeFileSync(file, JSON.stringify(makeSite(containers)));
    const site = new BenchStack("site", ROOT, { ...EXAMPLE_CONFIG, site: file, access: "direct" });
    const resources = await site.make();
    // The stack and the default provider are resources too.
    const bare = new BenchStack("bare", join(ROOT, "lab/bench/bare"), { count: String(resources - 2) });
    await bare.make();
    const times = { preview: { site: [], bare: [] }, up: { site: [], bare: [] } } as Times;
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, stack] of [
        ["site", site],
        ["bare", bare],
      ] as const) {
        times.preview[name].push(await seconds(() => stack.preview()));
        times.up[name].push(await seconds(() => stack.up()));
      }
    }
    const pair = ({ site: ours, bare: theirs }: Times["up"]): Pair => ({
      site: median(ours),
      bare: median(theirs),
    });
    rows.push({ containers, resources, preview: pair(times.preview), up: pair(times.up) });
  }
  rmSync(join(CACHE, "bench"), { recursive: true, force: true });
  return rows;
}

type Times = Record<"preview" | "up", Record<"site" | "bare", number[]>>;
