/**
 * `npm run -s detections -- list | convert [FOLDER] | docs | test [NAME...] | try EVENTS.ndjson`, with `--json` for
 * machines and `--rules FOLDER` for an operator's own rules beside ours.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadDetections, readRuleFiles } from "../detections";
import type { Detection } from "../detections/detection";
import { casesOf, evaluateLines, runCases } from "./detections/cases";
import { convertFolder } from "./detections/convert";
import { listText, rulesPage } from "./detections/describe";
import { readLines } from "./detections/lines";
import { withPipeline } from "./detections/real";

const ROOT = join(__dirname, "..");
const USAGE = `Usage: npm run -s detections -- list | convert [FOLDER] | docs | test [NAME...] | try EVENTS.ndjson  [--json] [--rules FOLDER]`;

function print(json: boolean, value: unknown, text: string): void {
  console.log(json ? JSON.stringify(value) : text);
}

function list(detections: readonly Detection[], json: boolean): void {
  if (!json) return console.log(listText(detections));
  for (const detection of detections) console.log(JSON.stringify({ ...detection, tests: undefined }));
}

/** Runs rules over their own cases; false where one is not as it should be. */
async function test(detections: readonly Detection[], json: boolean): Promise<boolean> {
  const outcomes = await withPipeline(async (index) => {
    const cases = await index.add(casesOf(detections));
    return runCases(detections, cases, index.search);
  });
  for (const outcome of outcomes) {
    const mark = outcome.fault === undefined ? "ok  " : "FAIL";
    print(
      json,
      outcome,
      `${mark} ${outcome.rule}: ${outcome.case}${outcome.fault ? ` ${outcome.fault}` : ""}`,
    );
  }
  const failed = outcomes.filter(({ fault }) => fault !== undefined).length;
  if (!json) console.log(`${outcomes.length - failed} passed, ${failed} failed`);
  return failed === 0;
}

/** Runs every rule over an operator's lines, and prints each alert. */
async function tryLines(detections: readonly Detection[], file: string, json: boolean): Promise<void> {
  const lines = readLines(readFileSync(file, "utf8"));
  const alerts = await withPipeline(async (index) => {
    await index.add([{ lines }]);
    return evaluateLines(
      detections.map((detection) => ({ detection, lines })),
      index.search,
    );
  });
  const sorted = alerts.flat().sort((a, b) => (a.last < b.last ? -1 : 1));
  for (const alert of sorted) {
    const { level, title, entity, count, first, last } = alert;
    print(json, alert, `${last}  ${level.padEnd(8)}  ${title}: ${entity || "-"}, ${count} since ${first}`);
  }
  if (!json)
    console.log(`${sorted.length} alert${sorted.length === 1 ? "" : "s"} from ${lines.length} lines`);
}

async function main(): Promise<boolean> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, rules: { type: "string" } },
  });
  const [command, ...rest] = positionals;
  const { json, rules } = values;
  if (command === "convert") {
    const folder = rest[0] ?? rules ?? join(ROOT, "detections");
    const files = readRuleFiles(folder);
    convertFolder(folder, files);
    console.log(`${files.length} rules converted`);
    return true;
  }
  const detections = loadDetections(rules);
  if (command === "list") return (list(detections, json), true);
  if (command === "docs")
    return (writeFileSync(join(ROOT, "docs/rules.md"), await rulesPage(loadDetections())), true);
  if (command === "test") {
    const unknown = rest.find((name) => !detections.some((detection) => detection.name === name));
    if (unknown !== undefined) throw new Error(`there is no rule named ${unknown}`);
    return test(
      detections.filter(({ name }) => rest.length === 0 || rest.includes(name)),
      json,
    );
  }
  if (command === "try" && rest[0] !== undefined) return (await tryLines(detections, rest[0], json), true);
  throw new Error(USAGE);
}

main().then(
  (good) => (process.exitCode = good ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  },
);
