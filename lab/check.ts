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
  /** Whether the long suites run too. */
  readonly all: boolean;
  /** Whether only the report is printed, as JSON; the progress goes to stderr. */
  readonly json: boolean;
}

/** The run of a suite; `lab` is the number of the lab on which it ran. */
interface SuiteRun extends SuiteResult {
  readonly name: string;
  readonly lab: number;
  readonly seconds: number;
}

/** The report of a check, as in the file `check.json` in the cache's logs. Times are in seconds. */
interface Report {
  readonly labs: number;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly suites: readonly SuiteRun[];
  /** Failures outside a suite, such as a lab that does not come up. */
  readonly troubles: readonly string[];
}

/** The folder of the labs' and suites' output, and of the report. */
const FOLDER = join(CACHE, "logs/check");

/** A lab needs four to five gigabytes of memory. */
export const DEFAULT_LABS = Math.max(1, Math.min(3, Math.floor(totalmem() / 5e9)));

/**
 * Runs the suites of `tests/lab` on several labs side by side, each suite in its own process. The other suites still run if one
 * fails. At the end it prints the suites' times, the ten slowest tests and "N passed, N failed". Returns whether all passed.
 * Throws an Error if one of the `words`, which select suites by name, matches no suite.
 */
export async function check(words: readonly string[], options: CheckOptions): Promise<boolean> {
  const waiting = chosen(words, options.all);
  const report = await new Check(waiting, options).run();
  writeFileSync(join(FOLDER, "check.json"), JSON.stringify(report, undefined, 2));
  console.log(options.json ? JSON.stringify(report, undefined, 2) : describe(report));
  return report.failed === 0 && report.passed > 0;
}

/** The state of a lab; `gone` after a suite that removes the lab. */
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
    // What the labs share is built once, before the first lab.
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

  /** Runs suites on one lab, one after the other, until no suite waits. */
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
    // The first lab stays up, as after `up`, unless a suite removed it.
    if (lab > 1 || state === "gone") await this.lab(lab, "down");
  }

  /** Labs come up one after the other, because this uses all cores: the first lab can run its suites while the next one comes up. */
  private up(lab: number): Promise<boolean> {
    const up = this.ups.then(() => this.lab(lab, "up"));
    this.ups = up;
    return up;
  }

  /** Runs a command of the lab, such as "up", and returns whether it succeeded. The output of a failed command is shown. */
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

  /** Runs a suite, and shows its output when it ends. */
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

  /** Runs a program of the repository for this lab. Its output also goes to a log file. */
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

/** Returns the report as text. */
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
