import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/**
 * Compares a text with the one kept in `file` (a path ending in `.snap`). With UPDATE=1 the file is written instead, to be
 * reviewed as a diff; never in CI, where a missing or different snapshot fails.
 */
export function matchesSnapshot(file: string, actual: string): void {
  if (process.env.UPDATE === "1" && !process.env.CI) {
    writeFileSync(file, actual);
    return;
  }
  assert.ok(
    existsSync(file),
    `there is no snapshot ${file}: run this test with UPDATE=1, and review what it writes`,
  );
  assert.equal(
    actual,
    readFileSync(file, "utf8"),
    `not as in ${file}; if that is right, run this test with UPDATE=1`,
  );
}
