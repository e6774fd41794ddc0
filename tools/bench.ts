/**
 * `npm run bench`: what the program costs against as many bare resources, for sites of 10, 50 and 200 containers. Both
 * sides run in turn, in one process; ratios of medians are printed. The engine and the host are mocked: what is
 * measured is the program (config, rendering, graph). With `--json`, the figures for a program to read.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { remote } from "@pulumi/command";
import { makeSite } from "../tests/sites/make";
import { EXAMPLE_CONFIG, siteGraph } from "./graph";
import { collectGraph } from "./mockGraph";

const ROUNDS = 5;

/** A program of so many resources and nothing else. */
function bareProgram(count: number): () => object {
  return () => {
    for (let index = 0; index < count; index++) {
      const stdin = "x".repeat(2000);
      new remote.Command(`bare-${index}`, { connection: { host: "h", hostKey: "k" }, create: "true", stdin });
    }
    return {};
  };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e9;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function main(json: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-bench-"));
  const rows = [];
  for (const containers of [10, 50, 200]) {
    const file = join(folder, `${containers}.json`);
    writeFileSync(file, JSON.stringify(makeSite(containers)));
    const { resources } = await siteGraph(file);
    const times = { site: [] as number[], bare: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      times.site.push(await seconds(() => siteGraph(file)));
      times.bare.push(await seconds(() => collectGraph(bareProgram(resources.length), EXAMPLE_CONFIG)));
    }
    const site = median(times.site);
    rows.push({
      containers,
      resources: resources.length,
      site,
      bare: median(times.bare),
      ratio: site / median(times.bare),
    });
  }
  rmSync(folder, { recursive: true });
  if (json) return console.log(JSON.stringify(rows, undefined, 2));
  console.log(
    "containers  resources  this program : bare resources  time a resource, against the smallest site",
  );
  const first = rows[0];
  for (const { containers, resources, site, ratio } of rows) {
    const growth = first ? site / resources / (first.site / first.resources) : 1;
    console.log(
      `${String(containers).padStart(10)}  ${String(resources).padStart(9)}  ${ratio.toFixed(2).padStart(29)}  ${growth.toFixed(2).padStart(43)}`,
    );
  }
}

void main(process.argv.includes("--json"));
