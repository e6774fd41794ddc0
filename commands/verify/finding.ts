/** How bad: a warning will become a problem, or may be one; with a problem something is not watched. */
export type Severity = "ok" | "warning" | "problem";

/** What a check has to say about one thing. */
export interface Finding {
  readonly check: string;
  readonly severity: Severity;
  /** A container, a rule, a file: what it is about. */
  readonly subject: string;
  /** What was seen, in one line. */
  readonly text: string;
  /** The command that mends it, for those that are not ok. */
  readonly mend?: string;
}

/** The exit code of a set of findings, as monitoring plugins have it: 0 ok, 1 warning, 2 problem (3: could not look). */
export function exitCode(findings: readonly Finding[]): 0 | 1 | 2 {
  if (findings.some(({ severity }) => severity === "problem")) return 2;
  return findings.some(({ severity }) => severity === "warning") ? 1 : 0;
}
