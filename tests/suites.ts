/**
 * Runs the suites whose files are its arguments, in that order, and tells its parent how many tests passed. In a process of
 * their own, so that what one group leaves behind, such as mocks in the place of Pulumi's engine, is gone for the next.
 */
import Mocha from "mocha";
import type { TestResult } from "../lab/result";

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly tests: readonly TestResult[];
}

const mocha = new Mocha({ timeout: 30_000, forbidOnly: true, reporter: "spec" });
for (const file of process.argv.slice(2)) mocha.addFile(file);
const tests: TestResult[] = [];
const runner = mocha.run(() => {
  const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
  const count: Count = { passed: passes, failed: failures, skipped: pending, tests };
  process.send?.(count, () => process.exit());
});
runner.on("test end", (test) => {
  tests.push({ title: test.fullTitle(), seconds: (test.duration ?? 0) / 1000 });
});
