/**
 * Runs one suite of tests/lab on the lab that DHIS2_SIEM_LAB names, in a process of its own: `suite.ts FILE [--fresh]`.
 * Its first failure ends it; the rest counts as skipped. Tells its parent the result (`SuiteResult`).
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
// Where another suite has been before, the stack may have other settings.
if (fresh !== "--fresh" && suite?.last !== true)
  mocha.rootHooks({ beforeAll: async () => void (await updateStack()) });

const tests: TestResult[] = [];
const failures: string[] = [];
const runner = mocha.run(() => {
  const { passes = 0, pending = 0, failures: failed = 0 } = runner.stats ?? {};
  const result: SuiteResult = {
    passed: passes,
    // A hook's failure counts as one.
    failed,
    skipped: Math.max(0, runner.total - tests.length) + pending,
    tests,
    failures,
  };
  writeFileSync(resultFile, JSON.stringify(result));
  // The Automation API's server may keep the loop alive.
  process.exit(0);
});
runner.on("test end", (test) => {
  if (!test.isPending()) tests.push({ title: test.fullTitle(), seconds: (test.duration ?? 0) / 1000 });
});
runner.on("fail", (test) => failures.push(test.fullTitle()));
