import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { CACHE } from "../core/cache";
import { errorText } from "../core/errors";
import { ROOT } from "../core/root";
import { duration, slowest, type SuiteResult } from "./result";
import { run } from "./shell";
import { chosen, next, type Suite } from "./suites";

export interface CheckOptions {
  /** How many labs work side by side, 1 to 4. */
  readonly labs: number;
  /** The long suites too. */
  readonly all: boolean;
  /** Prints the report as JSON alone; what goes on goes to stderr. */
  readonly json: boolean;
}

/** One suite's run; `lab` is the number of the lab that it ran on. */
interface SuiteRun extends SuiteResult {
  readonly name: string;
  readonly lab: number;
  readonly seconds: number;
}

/** The whole check, as it stands in `check.json` among the cache's logs. Times in seconds. */
interface Report {
  readonly labs: number;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly suites: readonly SuiteRun[];
  /** What failed outside a suite, such as a lab that does not come up. */
  readonly troubles: readonly string[];
}

/** Outputs of the labs and suites, and the report. */
const FOLDER = join(CACHE, "logs/check");

/** A lab takes four to five gigabytes. */
export const DEFAULT_LABS = Math.max(1, Math.min(3, Math.floor(totalmem() / 5e9)));

/**
 * The lab end to end, with assertions: the suites of `tests/lab` on labs side by side, each suite in a process of its own.
 * A suite that fails stops none of the others. Ends with the suites' times, the ten slowest tests and "N passed, N failed".
 * `words` choose suites by name. Throws an Error where a word names none. Gives whether all passed.
 */
export async function check(words: readonly string[], options: CheckOptions): Promise<boolean> {
  const waiting = chosen(words, options.all);
  const report = await new Check(waiting, options).run();
  writeFileSync(join(FOLDER, "check.json"), JSON.stringify(report, undefined, 2));
  console.log(options.json ? JSON.stringify(report, undefined, 2) : describe(report));
  return report.failed === 0 && report.passed > 0;
}

/** `gone` is what a suite leaves that takes the lab away. */
type LabState = "none" | "fresh" | "calm" | "used" | "gone";

function after(suite: Suite, state: LabState): LabState {
  if (suite.last) return "gone";
  return suite.attacks || state === "used" ? "used" : "calm";
}

class Check {
  private readonly waiting: Suite[];
  private readonly suites: SuiteRun[] = [];
  private readonly troubles: string[] = [];
  private readonly begin = Date.now();
  private ups: Promise<unknown> = Promise.resolve();

  constructor(
    suites: readonly Suite[],
    private readonly options: CheckOptions,
  ) {
    this.waiting = [...suites];
  }

  async run(): Promise<Report> {
    const labs = Math.min(this.options.labs, this.waiting.filter(({ last }) => !last).length || 1);
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    // What the labs share is made once, before any of them.
    if (await this.lab(1, "build"))
      await Promise.all(Array.from({ length: labs }, (_, index) => this.work(index + 1)));
    for (const { name } of this.waiting) this.troubles.push(`the suite ${name} was not run`);
    const sum = (kind: "passed" | "failed" | "skipped") =>
      this.suites.reduce((total, suite) => total + suite[kind], 0);
    return {
      labs,
      seconds: (Date.now() - this.begin) / 1000,
      passed: sum("passed"),
      failed: sum("failed") + this.troubles.length,
      skipped: sum("skipped"),
      suites: this.suites,
      troubles: this.troubles,
    };
  }

  /** One lab's work: it takes suite after suite until none waits. */
  private async work(lab: number): Promise<void> {
    let state: LabState = "none";
    for (;;) {
      const suite = next(this.waiting, state !== "used");
      if (suite === undefined) break;
      this.waiting.splice(this.waiting.indexOf(suite), 1);
      if (state === "used" && suite.calm) {
        await this.lab(lab, "down");
        state = "none";
      }
      if (state === "none") {
        if (!(await this.up(lab))) {
          this.waiting.push(suite);
          break;
        }
        state = "fresh";
      }
      const { failed } = await this.suite(suite, lab, state === "fresh");
      if (failed > 0) await this.lab(lab, "down");
      state = failed > 0 ? "none" : after(suite, state);
    }
    // The first one stays, as it does after `up`, where no suite took it away.
    if (lab > 1 || state === "gone") await this.lab(lab, "down");
  }

  /** Labs come up one after the other, because that takes all cores: the first can begin to wait while the next comes. */
  private up(lab: number): Promise<boolean> {
    const up = this.ups.then(() => this.lab(lab, "up"));
    this.ups = up;
    return up;
  }

  /** A command of the lab's own, such as "up"; gives whether it succeeded. Its output is shown where it did not. */
  private async lab(lab: number, command: string): Promise<boolean> {
    const start = Date.now();
    const lines: string[] = [];
    try {
      await this.node(lab, ["lab/main.ts", command], `lab-${lab}-${command}`, (line) => lines.push(line));
      this.say(`lab ${lab}: ${command} (${duration((Date.now() - start) / 1000)})`);
      return true;
    } catch (error) {
      this.troubles.push(`lab ${lab}: '${command}' failed`);
      this.say(`lab ${lab}: '${command}' failed:\n${lines.slice(-100).join("\n")}\n${errorText(error)}`);
      return false;
    }
  }

  /** Runs a suite; its output is shown when it ends. */
  private async suite({ name }: Suite, lab: number, fresh: boolean): Promise<SuiteRun> {
    this.say(`lab ${lab}: ${name} begins`);
    const start = Date.now();
    const file = join(FOLDER, `${name}.json`);
    const lines: string[] = [];
    const args = [
      "lab/suite.ts",
      join(ROOT, `tests/lab/${name}.lab.ts`),
      file,
      ...(fresh ? ["--fresh"] : []),
    ];
    const ended = await this.node(lab, args, name, (line) => lines.push(line)).then(
      () => undefined,
      (error: unknown) => errorText(error),
    );
    const result: SuiteResult = existsSync(file)
      ? (JSON.parse(readFileSync(file, "utf8")) as SuiteResult)
      : { passed: 0, failed: 1, skipped: 0, tests: [], failures: [ended ?? "it ended without a result"] };
    const seconds = (Date.now() - start) / 1000;
    const suite = { name, lab, seconds, ...result };
    this.suites.push(suite);
    const { passed, failed, skipped } = result;
    const counts = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    this.say(`\nlab ${lab}: ${name}: ${counts} (${duration(seconds)})\n${lines.join("\n")}\n`);
    return suite;
  }

  /** A program of the repository's, for this lab; its output goes to a log, too. */
  private async node(
    lab: number,
    args: readonly string[],
    log: string,
    onLine: (line: string) => void,
  ): Promise<void> {
    const file = createWriteStream(join(FOLDER, `${log}.log`), { flags: "a" });
    try {
      await run(process.execPath, ["-r", join(ROOT, "core/register.js"), ...args], {
        env: { DHIS2_SIEM_LAB: String(lab) },
        onLine: (line) => {
          file.write(`${line}\n`);
          onLine(line);
        },
      });
    } finally {
      file.end();
    }
  }

  private say(text: string): void {
    if (this.options.json) console.error(text);
    else console.log(text);
  }
}

/** The report as text. */
function describe({ labs, seconds, passed, failed, skipped, suites, troubles }: Report): string {
  const longest = [...suites].sort((one, other) => other.seconds - one.seconds);
  const tests = suites.flatMap(({ name, tests }) =>
    tests.map(({ title, seconds }) => ({ title: `${name}: ${title}`, seconds })),
  );
  const failures = suites.flatMap(({ name, failures }) => failures.map((title) => `${name}: ${title}`));
  return [
    `\nThe suites, on ${labs} lab${labs === 1 ? "" : "s"} side by side, in ${duration(seconds)}:`,
    ...longest.map((suite) => {
      const left = suite.skipped > 0 ? `, ${suite.skipped} skipped` : "";
      return `  ${suite.name.padEnd(10)} ${duration(suite.seconds).padStart(7)}  lab ${suite.lab}  ${suite.passed} passed, ${suite.failed} failed${left}`;
    }),
    "\nThe ten slowest tests:",
    ...slowest(tests),
    "",
    ...[...failures, ...troubles].map((text) => `failed: ${text}`),
    ...(skipped > 0 ? [`${skipped} skipped, most after a failure in their suite`] : []),
    `${passed} passed, ${failed} failed`,
  ].join("\n");
}
