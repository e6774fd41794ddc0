/**
 * `npm run bench [-- engine|agents] [--json]`: compares the program with the same number of bare resources (Pulumi's CLI and
 * engine are real, the host is mocked), and ten agents with one agent in the lab. It measures times in one run; the ratios count.
 */
import { type AgentsResult, benchAgents } from "./agents";
import { benchEngine, type EngineRow } from "./engine";

/** Measures and prints a table; with `--json` it prints the figures as JSON. */
export async function bench(args: readonly string[]): Promise<void> {
  const json = args.includes("--json");
  const only = args.find((arg) => !arg.startsWith("-"));
  const progress = (line: string) => console.error(`measuring: ${line} ...`);
  const engine = only === "agents" ? [] : await benchEngine(progress);
  const agents = only === "engine" ? undefined : await benchAgents(progress);
  console.log(json ? JSON.stringify({ engine, agents }, undefined, 2) : table(engine, agents));
}

/** Returns the ratios as text: this program to bare resources, and the time for each resource to the smallest site's. */
export function table(engine: readonly EngineRow[], agents: AgentsResult | undefined): string {
  const [first] = engine;
  const perResource = ({ up, resources }: EngineRow) => up.site / resources;
  const cells = engine.map((row) => [
    String(row.containers),
    String(row.resources),
    (row.preview.site / row.preview.bare).toFixed(2),
    (row.up.site / row.up.bare).toFixed(2),
    first ? (perResource(row) / perResource(first)).toFixed(2) : "",
  ]);
  const head = ["containers", "resources", "preview : bare", "up : bare", "time a resource, to the first"];
  const lines = [head, ...cells].map((line) =>
    line.map((cell, column) => cell.padStart(head[column]?.length ?? 0)).join("  "),
  );
  return [
    ...(engine.length > 0 ? lines : []),
    ...(agents ? [`ten agents : one agent  ${(agents.ten / agents.one).toFixed(2)}`] : []),
  ].join("\n");
}
