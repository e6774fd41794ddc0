/**
 * Runs one suite of tests/lab on the lab that DHIS2_SIEM_LAB selects, in its own process: `suite.ts FILE [--fresh]`.
 * It ends at the first failure; the remaining tests count as skipped. It writes the result (`SuiteResult`) for its parent.
 */
import { writeFileSync } from "node:fs";
import Mocha from "mocha";
import { SUITES } from "./suites";
import type { SuiteResult, TestResult } from "./result";
import { updateStack } from "./up";

const [file = "", resultFile = "", fresh] = process.argv.slice(2);
const mocha = new Mocha({ timeout: 25 * 60_000, slow: 60_000, forbidOnly: true, bail: true });
mocha.addFile(file);
const suite = SUITES.find(({ name }) => file.endsWith(`/${name}.lab.ts`));
// An earlier suite may have left other settings in the stack.
if (fresh !== "--fresh" && suite?.last !== true)
  mocha.rootHooks({ beforeAll: async () => void (await updateStack()) });

const tests: TestResult[] = [];
const failures: string[] = [];
const runner = mocha.run(() => {
  const { passes = 0, pending = 0, failures: failed = 0 } = runner.stats ?? {};
  const result: SuiteResult = {
    passed: passes,
    // A failed hook counts as a failed test.
    failed,
    skipped: Math.max(0, runner.total - tests.length) + pending,
    tests,
    failures,
  };
  writeFileSync(resultFile, JSON.stringify(result));
  // Otherwise the Automation API's server could keep this process alive.
  process.exit(0);
});
runner.on("test end", (test) => {
  if (!test.isPending()) tests.push({ title: test.fullTitle(), seconds: (test.duration ?? 0) / 1000 });
});
runner.on("fail", (test) => failures.push(test.fullTitle()));
