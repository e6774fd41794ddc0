/** A problem: something is not watched. A warning: it will become a problem, or may be one. */
export type Severity = "ok" | "warning" | "problem";

/** What a check found about one subject. */
export interface Finding {
  /** The name of the check, such as "agent". */
  readonly check: string;
  readonly severity: Severity;
  /** The container, rule or file that the finding is about, such as "dhis". */
  readonly subject: string;
  /** What was seen, in one line. */
  readonly text: string;
  /** The command or the words that fix it; undefined if the severity is ok. */
  readonly fix?: string;
}

/** Returns the exit code of the findings, as monitoring plugins define it: 0 ok, 1 warning, 2 problem (3: could not look). */
export function exitCode(findings: readonly Finding[]): 0 | 1 | 2 {
  if (findings.some(({ severity }) => severity === "problem")) return 2;
  return findings.some(({ severity }) => severity === "warning") ? 1 : 0;
}
