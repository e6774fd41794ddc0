/**
 * Runs the suites whose files are its arguments, in that order, and tells its parent how many tests passed. In a process of
 * their own, so that what one group leaves behind, such as mocks in the place of Pulumi's engine, is gone for the next.
 */
import Mocha from "mocha";

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const mocha = new Mocha({ timeout: 30_000, forbidOnly: true, reporter: "spec" });
for (const file of process.argv.slice(2)) mocha.addFile(file);
const runner = mocha.run(() => {
  const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
  const count: Count = { passed: passes, failed: failures, skipped: pending };
  process.send?.(count, () => process.exit());
});
