import { join } from "node:path";
import Mocha from "mocha";
import { findFiles } from "../core/files";
import { ROOT } from "./places";
import { up } from "./up";

/**
 * The lab end to end, with assertions: the suites of `tests/lab`, in order, each going on from where the one before
 * left the lab; the first failure ends it. Ends with "N passed, N failed". `filters` choose suites by their file's name.
 */
export async function check(filters: readonly string[]): Promise<boolean> {
  const mocha = new Mocha({ timeout: 25 * 60_000, slow: 60_000, forbidOnly: true, bail: true });
  const suites = findFiles(join(ROOT, "tests/lab"), ".lab.ts");
  // A machine that never had the lab has neither Pulumi's CLI nor Filebeat when `npm test` runs: made up for here.
  const late = [".engine.test.ts", "filebeat.local.test.ts"].flatMap((end) =>
    findFiles(join(ROOT, "tests"), end),
  );
  const files = [...suites, ...late].filter(
    (file) => filters.length === 0 || filters.some((filter) => file.includes(filter)),
  );
  for (const file of files) mocha.addFile(file);
  // All go on from a lab that is up; the first suite is about bringing it up.
  if (!files.some((file) => file === suites[0])) await up();
  const stats = await new Promise<Mocha.Stats | undefined>((resolve) => {
    const runner = mocha.run(() => resolve(runner.stats));
  });
  console.log(`${stats?.passes ?? 0} passed, ${stats?.failures ?? 1} failed`);
  return stats !== undefined && stats.failures === 0 && stats.passes > 0;
}
