/**
 * `npm test`: types, linter and formatter, then the suites that need no server (`*.test.ts`), those that run Pulumi's
 * engine (`*.engine.test.ts`), and those on a real Elasticsearch (`*.es.test.ts`). With arguments, only the suites whose path holds one of them.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "./support/glob";
import Mocha from "mocha";
import { join } from "node:path";

const ROOT = join(__dirname, "..");

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

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

/** Runs suites in this process, in the order of their paths. */
async function suites(title: string, files: readonly string[]): Promise<Count> {
  console.log(`\n${title}`);
  const mocha = new Mocha({ timeout: 30_000, forbidOnly: true, reporter: "spec" });
  for (const file of files) mocha.addFile(file);
  return new Promise((resolve) => {
    const runner = mocha.run(() => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
      resolve({ passed: passes, failed: failures, skipped: pending });
    });
  });
}

async function main(filters: readonly string[]): Promise<void> {
  const files = globSync(join(ROOT, "tests"), ".test.ts").filter(
    (file) => filters.length === 0 || filters.some((filter) => file.includes(filter)),
  );
  const ending = (kind: string) => files.filter((file) => file.endsWith(`.${kind}.test.ts`));
  const groups = [
    ["suites that need no server", files.filter((file) => !/\.(engine|es)\.test\.ts$/.test(file))],
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
