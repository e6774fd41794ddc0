/**
 * `npm test`: types, linter and formatter, the suites that need no server (`*.test.ts`), those that run servers and
 * programs of their own (`*.local.test.ts`) or Pulumi's engine (`*.engine.test.ts`); and beside all these the suites on a
 * real Elasticsearch (`*.es.test.ts`), which take as long as they do together. With arguments, only the suites whose path
 * holds one of them. Ends with the ten slowest tests and "N passed, N failed".
 */
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { findFiles } from "../core/files";
import { ROOT } from "../core/root";
import { duration, slowest } from "../lab/result";
import type { Count } from "./suites";

/** Something to run. It passes its output to `say`, line by line. */
interface Part {
  readonly title: string;
  readonly run: (say: (text: string) => void) => Promise<Count>;
}

/** One of the project's tools. It passes if its exit code is 0. */
function tool(command: string, ...args: string[]): Part {
  return {
    title: command,
    run: async (say) => {
      const child = spawn(join(ROOT, "node_modules/.bin", command), args, { cwd: ROOT });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, "close")) as [number | null];
      if (code !== 0) say(output);
      return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, tests: [] };
    },
  };
}

/** Runs suites in a separate process (suites.ts). A process that ends without a count has failed. */
function suites(title: string, files: readonly string[]): Part {
  return {
    title,
    run: async (say) => {
      const child = fork(join(__dirname, "suites.ts"), files, {
        execArgv: ["-r", join(ROOT, "core/register.js")],
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      });
      for (const stream of [child.stdout, child.stderr])
        stream?.on("data", (chunk: Buffer) => say(chunk.toString()));
      let count: Count = { passed: 0, failed: 1, skipped: 0, tests: [] };
      child.on("message", (message) => (count = message as Count));
      await once(child, "close");
      return count;
    },
  };
}

/** Runs parts in turn. A part's output is printed when it ends, or at once if nothing else runs at the same time. */
async function inTurn(parts: readonly Part[], live: boolean): Promise<Count[]> {
  const counts: Count[] = [];
  for (const { title, run } of parts) {
    const start = Date.now();
    let output = "";
    if (live) console.log(title);
    const count = await run((text) => {
      if (live) process.stdout.write(text);
      else output += text;
    });
    const word = count.failed === 0 ? "ok  " : "FAIL";
    console.log(`${output === "" ? "" : "\n"}${word} ${title} (${duration((Date.now() - start) / 1000)})`);
    if (output !== "") console.log(output);
    counts.push(count);
  }
  return counts;
}

async function main(filters: readonly string[]): Promise<void> {
  const files = findFiles(join(ROOT, "tests"), ".test.ts").filter(
    (file) => filters.length === 0 || filters.some((filter) => file.includes(filter)),
  );
  const group = (title: string, belongs: (file: string) => boolean): Part[] => {
    const some = files.filter(belongs);
    return some.length > 0 ? [suites(title, some)] : [];
  };
  const ending = (kind: string) => (file: string) => file.endsWith(`.${kind}.test.ts`);
  const tools = [
    tool("tsc", "--noEmit"),
    tool("eslint", "."),
    tool("prettier", "--check", "."),
    tool("depcruise", "."),
  ];
  const lanes = [
    [
      ...(filters.length === 0 ? tools : []),
      ...group("suites that need no server", (file) => !/\.(local|engine|es)\.test\.ts$/.test(file)),
      ...group("suites that run servers and programs of their own", ending("local")),
      ...group("suites that run Pulumi's engine", ending("engine")),
    ],
    group("suites on a real Elasticsearch", ending("es")),
  ].filter((lane) => lane.length > 0);
  const counts = (await Promise.all(lanes.map((lane) => inTurn(lane, lanes.length === 1)))).flat();
  const sum = (kind: "passed" | "failed" | "skipped") =>
    counts.reduce((total, count) => total + count[kind], 0);
  console.log(["\nThe ten slowest tests:", ...slowest(counts.flatMap(({ tests }) => tests)), ""].join("\n"));
  if (sum("skipped") > 0) console.log(`${sum("skipped")} skipped, each with its reason above`);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  process.exit(sum("failed") === 0 && sum("passed") > 0 ? 0 : 1);
}

void main(process.argv.slice(2));
