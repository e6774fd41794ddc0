import type { Finding, Severity } from "./finding";

const MARKS: Readonly<Record<Severity, string>> = { ok: "ok", warning: "WARNING", problem: "PROBLEM" };
const COLOURS: Readonly<Record<Severity, number>> = { ok: 32, warning: 33, problem: 31 };

/**
 * Returns the findings as a table and a summary. The command that fixes a finding has a line of its own, so that it can be
 * copied. With `colours`, ANSI colours are used.
 */
export function formatFindings(findings: readonly Finding[], colours: boolean): string {
  const paint = (text: string, code: number) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
  const width = (key: "check" | "subject") => Math.max(...findings.map((finding) => finding[key].length));
  const [check, subject] = [width("check"), width("subject")];
  const rows = findings.map((finding) => {
    const mark = paint(MARKS[finding.severity].padEnd(7), COLOURS[finding.severity]);
    const words = `${finding.check.padEnd(check)}  ${finding.subject.padEnd(subject)}  ${finding.text}`;
    const row = `${mark}  ${oneLine(words)}`;
    return finding.fix === undefined
      ? row
      : `${row}\n${" ".repeat(9)}fix: ${paint(oneLine(finding.fix), 36)}`;
  });
  return `${rows.join("\n")}\n\n${formatSummary(findings, paint)}\n`;
}

function formatSummary(findings: readonly Finding[], paint: (text: string, code: number) => string): string {
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  if (problems + warnings === 0) return paint("The site is watched.", COLOURS.ok);
  const words = [
    problems > 0 ? plural(problems, "problem") : "",
    warnings > 0 ? plural(warnings, "warning") : "",
  ];
  const text = words.filter((word) => word !== "").join(", ");
  return problems > 0
    ? paint(`The site is not watched as it should be: ${text}.`, COLOURS.problem)
    : paint(`The site is watched: ${text}.`, COLOURS.warning);
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Texts of servers and containers stay on one line and cannot control a terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{C}+/gu, " ");
}
