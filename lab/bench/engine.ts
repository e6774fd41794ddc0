import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXAMPLE_CONFIG } from "../../commands/graph";
import { endAll } from "./ssh-servers";
import { makeSite } from "./make-site";
import { ROOT } from "../../core/root";
import { script } from "../shell";
import { mockedHost } from "./host";
import { median, type Progress, seconds } from "./measure";
import { MockedStack } from "./stack";

/** The times of `preview` and of an `up` without changes, for this program and for the same number of bare resources, in seconds. */
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

/** Measures sites of 10, 50 and 200 containers. Each round runs all four commands alternately; the medians count. */
export async function benchEngine(progress: Progress): Promise<EngineRow[]> {
  await script("build/pulumi.sh", []);
  const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-bench-"));
  const host = await mockedHost(folder);
  const rows: EngineRow[] = [];
  for (const containers of SIZES) {
    progress(`${containers} containers`);
    const file = join(folder, `${containers}.json`);
    writeFileSync(file, JSON.stringify(makeSite(containers)));
    const config = {
      ...EXAMPLE_CONFIG,
      ...host.config,
      site: file,
      access: "direct",
      siem: { allowFrom: ["127.0.0.0/24"] },
    };
    const site = new MockedStack(join(folder, `site-${containers}`), ROOT, config, host.agent);
    const resources = await site.make();
    // The stack and the default provider count as resources.
    const bareConfig = { count: String(resources - 2) };
    const bareProgram = join(ROOT, "lab/bench/bare");
    const bare = new MockedStack(join(folder, `bare-${containers}`), bareProgram, bareConfig, host.agent);
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
  await endAll();
  rmSync(folder, { recursive: true });
  return rows;
}

type Times = Record<"preview" | "up", Record<"site" | "bare", number[]>>;
