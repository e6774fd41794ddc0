/** `npm run -s detections -- COMMAND`: lists, converts, tests and tries detection rules, and creates new ones. */
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type Problem, printProblem } from "../core/problem";
import { ROOT } from "../core/root";
import { type LoadedRule, loadDetections, readRuleFiles, RULES } from "../detections";
import type { Detection } from "../detections/detection";
import { runCommand } from "./command-line";
import { casesOf, evaluateLines, runCases } from "./detections/cases";
import { convertFolder } from "./detections/convert";
import { listText, rulesPage } from "./detections/describe";
import { readLines } from "./detections/lines";
import { mutants, survivors } from "./detections/mutants";
import { writeNewRule } from "./detections/new";
import { withPipeline } from "./detections/real";
import { ruleSchemaText } from "./detections/rule-schema";
import { finish, type Outcome, succeeded } from "./outcome";

interface Options {
  /** The operator's own folder. */
  readonly rules?: string;
  readonly json?: boolean;
}

/** The result of a command: items, each printed as a line of JSON for programs, and a text for people. */
function printed(json: boolean | undefined, items: readonly object[], text: string): string {
  if (json) return items.map((item) => `${JSON.stringify(item)}\n`).join("");
  return text === "" ? "" : `${text}\n`;
}

/** Returns the outcome of a command that used the valid rules. The problems of the other rules are printed last. */
function outcome(stdout: string, problems: readonly Problem[], good = true): Outcome {
  const stderr = problems.map((problem) => `${printProblem(problem)}\n`).join("");
  return { stdout, stderr, code: good && problems.length === 0 ? 0 : 1 };
}

/** Returns the rules of these names, or all rules. Throws an Error if no rule has a name. A rule with a faulty file is left out. */
function named(
  { rules, problems }: ReturnType<typeof loadDetections>,
  names: readonly string[],
): LoadedRule[] {
  const known = (name: string) =>
    rules.some(({ file }) => file.name === name) ||
    problems.some(({ file }) => file.endsWith(`/${name}.yml`));
  const unknown = names.filter((name) => !known(name));
  if (unknown.length > 0) {
    throw new Error(
      `there is no rule named ${unknown.join(" or ")}; npm run -s detections -- list shows them`,
    );
  }
  return rules.filter(({ file }) => names.length === 0 || names.includes(file.name));
}

function list({ rules, json }: Options): Outcome {
  const { detections, problems } = loadDetections(rules);
  const items = detections.map((detection) => ({ ...detection, tests: undefined }));
  return outcome(printed(json, items, listText(detections)), problems);
}

function convert(folder: string): Outcome {
  const { files, problems } = readRuleFiles(folder);
  const own = files.filter((file) => resolve(file.folder) === resolve(folder));
  const { written, removed, problems: unconverted } = convertFolder(folder, own);
  const lines = [
    ...written.map((path) => `written: ${relative("", path)}`),
    ...removed.map((path) => `removed, as its rule is gone: ${relative("", path)}`),
    `${own.length - unconverted.length} rules converted, ${written.length} of them changed`,
  ];
  return outcome(`${lines.join("\n")}\n`, [...problems, ...unconverted]);
}

/** Writes the files that are generated from our rules: docs/rules.md, and the schema for editors. */
async function docs(): Promise<Outcome> {
  const { detections, problems } = loadDetections();
  if (problems.length > 0) return outcome("", problems);
  writeFileSync(join(ROOT, "docs/rules.md"), await rulesPage(detections));
  writeFileSync(join(ROOT, "detections/rule.schema.json"), await ruleSchemaText());
  return succeeded("");
}

/** Runs rules over their own cases. */
async function test(names: readonly string[], { rules, json }: Options): Promise<Outcome> {
  const loaded = loadDetections(rules);
  const detections = named(loaded, names).map(({ detection }) => detection);
  const outcomes = await withPipeline(async (index) =>
    runCases(detections, await index.add(casesOf(detections)), index.search),
  );
  const failed = outcomes.filter(({ fault }) => fault !== undefined).length;
  const lines = outcomes.map(
    ({ rule, case: name, fault }) =>
      `${fault === undefined ? "ok  " : "FAIL"} ${rule}: ${name}${fault ? ` ${fault}` : ""}`,
  );
  const text = [...lines, `${outcomes.length - failed} passed, ${failed} failed`].join("\n");
  return outcome(printed(json, outcomes, text), loaded.problems, failed === 0);
}

/** Removes each condition of the rules in turn. Each time, at least one test case of the rule must fail. */
async function mutate(names: readonly string[], { rules, json }: Options): Promise<Outcome> {
  const loaded = loadDetections(rules);
  const chosen = named(loaded, names);
  const all = mutants(chosen);
  const unnoticed = await withPipeline(async (index) =>
    survivors(all, await index.add(casesOf(chosen.map(({ detection }) => detection))), index.search),
  );
  const items = unnoticed.map(({ detection, without }) => ({ rule: detection.name, without }));
  const lines = items.map(({ rule, without }) => `FAIL ${rule}: no case notices that ${without} is gone`);
  const text = [...lines, `${all.length - items.length} of ${all.length} mutants noticed`].join("\n");
  return outcome(printed(json, items, text), loaded.problems, items.length === 0);
}

/** Runs every rule over an operator's lines. */
async function tryLines(file: string, { rules, json }: Options): Promise<Outcome> {
  const { detections, problems } = loadDetections(rules);
  const lines = readLines(readFileSync(file, "utf8"));
  const alerts = await withPipeline(async (index) => {
    await index.add([{ lines }]);
    const work = detections.map((detection: Detection) => ({ detection, lines }));
    return evaluateLines(work, index.search);
  });
  const sorted = alerts.flat().sort((a, b) => (a.last < b.last ? -1 : 1));
  const rows = sorted.map(
    ({ level, title, entity, count, first, last }) =>
      `${last}  ${level.padEnd(8)}  ${title}: ${entity || "-"}, ${count} since ${first}`,
  );
  const text = [
    ...rows,
    `${sorted.length} alert${sorted.length === 1 ? "" : "s"} from ${lines.length} lines`,
  ];
  return outcome(printed(json, sorted, text.join("\n")), problems);
}

/** Runs the command and returns its outcome. */
export async function main(args: readonly string[]): Promise<Outcome> {
  const text = {
    name: "detections",
    description:
      "Works on detection rules (docs/write-a-rule.md). A broken rule is reported with file and line, and the others are gone on with; the exit code is then 1, as where a test fails.",
    examples: [
      ["list", "every rule, and what is wrong with the files of broken ones"],
      ["new my_rule --rules our-rules", "begin a rule in a site's own folder"],
      ["test my_rule", "run one rule over its own lines"],
      ["try EVENTS.ndjson --json", "the alerts that all rules raise over your lines, for machines"],
    ],
  } as const;
  return runCommand(args, text, (command, action) => {
    const rules = ["--rules <folder>", "a site's own rules, beside the project's"] as const;
    const json = ["--json", "print a line of JSON for each item"] as const;
    command
      .command("list")
      .description("Lists every rule: its name, level, whether it runs, when it fires, its id.")
      .option(...rules)
      .option(...json)
      .action(action(list));
    command
      .command("new")
      .description("Begins a rule: a file with every key, to fill in.")
      .argument("<name>", "the rule's name, such as dhis2_mass_deletion")
      .option("--count", "a rule that counts events, instead of one about single events")
      .option("--rules <folder>", "write it into a site's own folder")
      .action(
        action((name: string, { count, rules: folder }: Options & { readonly count?: boolean }) =>
          succeeded(`${writeNewRule(count ? "count" : "event", name, folder)}\n`),
        ),
      );
    command
      .command("convert")
      .description(
        "Makes each rule's query with pySigma, in a file beside the rule; needs Python 3.10 or newer.",
      )
      .argument("[folder]", "a site's own folder; without it, the project's rules")
      .option(...rules)
      .action(
        action((folder: string | undefined, options: Options) => convert(folder ?? options.rules ?? RULES)),
      );
    command
      .command("test")
      .description(
        "Runs rules over the lines in their own files, on a real Elasticsearch through the real pipeline.",
      )
      .argument("[names...]", "the rules; without them, all")
      .option(...rules)
      .option(...json)
      .action(action(test));
    command
      .command("mutate")
      .description("Takes each condition of rules away in turn: some case in the rule's file must notice.")
      .argument("[names...]", "the rules; without them, all")
      .option(...rules)
      .option(...json)
      .action(action(mutate));
    command
      .command("try")
      .description("Prints each alert that the rules raise over lines of your own.")
      .argument("<events>", "a file with a line of JSON for each raw line (docs/write-a-rule.md)")
      .option(...rules)
      .option(...json)
      .action(action(tryLines));
    command
      .command("docs")
      .description(
        "Writes docs/rules.md and detections/rule.schema.json, which are made of the project's rules.",
      )
      .action(action(docs));
  });
}

if (require.main === module) void finish(main(process.argv.slice(2)));
