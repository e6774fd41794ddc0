/** The result that a suite's process writes into its result file. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  /** How many tests did not run: those after a failure, and those that skipped themselves. */
  readonly skipped: number;
  readonly tests: readonly TestResult[];
  /** The titles of the failed tests. */
  readonly failures: readonly string[];
}

export interface TestResult {
  readonly title: string;
  readonly seconds: number;
}

/** Returns a time for people, such as "45s" or "3m05s". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes === 0 ? `${whole}s` : `${minutes}m${String(whole % 60).padStart(2, "0")}s`;
}

/** Returns the ten slowest tests as lines of text, slowest first. */
export function slowest(tests: readonly TestResult[]): string[] {
  return [...tests]
    .sort((one, other) => other.seconds - one.seconds)
    .slice(0, 10)
    .map(({ title, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${title}`);
}
