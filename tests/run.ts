/**
 * `npm test`: types, linter and formatter, then the suites that need no server (`*.test.ts`), those that run servers and
 * programs of their own (`*.local.test.ts`), Pulumi's engine (`*.engine.test.ts`), or a real Elasticsearch
 * (`*.es.test.ts`). With arguments, only the suites whose path holds one of them.
 */
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Count } from "./suites";
import { findFiles } from "../core/files";

const ROOT = join(__dirname, "..");

/** Runs one of the project's tools; it passes when it says nothing is wrong. */
function tool(title: string, command: string, args: readonly string[]): Count {
  const started = Date.now();
  const result = spawnSync(join(ROOT, "node_modules/.bin", command), args, { cwd: ROOT, encoding: "utf8" });
  const good = result.status === 0;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`  ${good ? "ok  " : "FAIL"} ${title} (${seconds} s)`);
  if (!good) console.log(`${result.stdout}${result.stderr}`);
  return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: 0 };
}

/** Runs suites in a process of their own (suites.ts). One that ends without a count has failed. */
async function suites(title: string, files: readonly string[]): Promise<Count> {
  console.log(`\n${title}`);
  const child = fork(join(__dirname, "suites.ts"), files, {
    execArgv: ["-r", join(ROOT, "core/register.js")],
  });
  let count: Count = { passed: 0, failed: 1, skipped: 0 };
  child.on("message", (message) => (count = message as Count));
  await once(child, "close");
  return count;
}

async function main(filters: readonly string[]): Promise<void> {
  const files = findFiles(join(ROOT, "tests"), ".test.ts").filter(
    (file) => filters.length === 0 || filters.some((filter) => file.includes(filter)),
  );
  const ending = (kind: string) => files.filter((file) => file.endsWith(`.${kind}.test.ts`));
  const groups = [
    ["suites that need no server", files.filter((file) => !/\.(local|engine|es)\.test\.ts$/.test(file))],
    ["suites that run servers and programs of their own", ending("local")],
    ["suites that run Pulumi's engine", ending("engine")],
    ["suites on a real Elasticsearch", ending("es")],
  ] as const;
  const counts: Count[] = [];
  if (filters.length === 0) {
    console.log("types, linter, formatter");
    counts.push(
      tool("tsc", "tsc", ["--noEmit"]),
      tool("eslint", "eslint", ["."]),
      tool("prettier", "prettier", ["--check", "."]),
      tool("layers", "depcruise", ["."]),
    );
  }
  for (const [title, some] of groups) if (some.length > 0) counts.push(await suites(title, some));
  const sum = (kind: keyof Count) => counts.reduce((total, count) => total + count[kind], 0);
  const skipped = sum("skipped");
  if (skipped > 0) console.log(`${skipped} skipped, each with its reason above`);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  process.exit(sum("failed") === 0 && sum("passed") > 0 ? 0 : 1);
}

void main(process.argv.slice(2));
