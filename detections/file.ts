import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { z } from "zod";
import {
  printPath,
  type Problem,
  reportIssues,
  type ReportProblem,
  type Result,
  sortByLine,
} from "../core/problem";
import { keysAt } from "../core/schema-keys";
import { parseYaml } from "../core/yaml";
import { checkConditions, checkDetection } from "./checks";
import {
  baseRule,
  type BaseRule,
  correlationRule,
  type CorrelationRule,
  countRule,
  type CountRule,
  eventRule,
  type EventRule,
} from "./schema";

/** A detection's file as it was read. */
export interface RuleFile {
  /** The file's name for messages. */
  readonly path: string;
  readonly folder: string;
  readonly name: string;
  /** The detection itself: the last document. */
  readonly rule: EventRule | CorrelationRule;
  readonly bases: readonly BaseRule[];
  readonly counts: readonly CountRule[];
  /** Returns the line of a key in the document of this name. Without such a document, it is the last document. */
  readonly lineOf: (document: string, path: readonly PropertyKey[]) => number;
}

/** Returns the file's documents. Empty lines replace what is before a document, so that line numbers stay the same. */
function documents(source: string): string[] {
  const parts: { from: number; lines: string[] }[] = [{ from: 0, lines: [] }];
  source.split("\n").forEach((line, index) => {
    if (/^---\s*$/.test(line)) parts.push({ from: index + 1, lines: [] });
    else parts.at(-1)?.lines.push(line);
  });
  return parts
    .filter(({ lines }) => lines.some((line) => line.trim() !== "" && !line.startsWith("#")))
    .map(({ from, lines }) => "\n".repeat(from) + lines.join("\n"));
}

function isCorrelation(document: unknown): boolean {
  return typeof document === "object" && document !== null && "correlation" in document;
}

/** A document as it was parsed, and the function that reports its problems. */
interface Parsed {
  readonly value: unknown;
  readonly lineOf: (path: readonly PropertyKey[]) => number;
  readonly report: ReportProblem;
}

/**
 * Returns the rule file at `path`, or every problem with its line and key. Throws only if the file cannot be read.
 * @param shown the file's name, for messages
 */
export function readRuleFile(path: string, shown: string = path): Result<RuleFile> {
  const problems: Problem[] = [];
  const reportIn =
    (lineOf: Parsed["lineOf"]): ReportProblem =>
    (at, message) =>
      problems.push({ file: shown, line: lineOf(at), path: printPath(at), message });
  const parsed = documents(readFileSync(path, "utf8")).map((part): Parsed => {
    const yaml = parseYaml(shown, part);
    if (!yaml.ok) problems.push(...yaml.problems);
    const { value, lineOf } = yaml.ok ? yaml.value : { value: undefined, lineOf: () => 1 };
    return { value, lineOf, report: reportIn(lineOf) };
  });
  const name = basename(path, ".yml");
  if (!/^[a-z][a-z0-9_]*$/.test(name)) {
    const message = "must be named with small letters, digits and underscores, such as my_rule.yml";
    problems.push({ file: shown, path: "", message });
  }
  const last = parsed.pop();
  if (last === undefined)
    problems.push({ file: shown, line: 1, path: "", message: "must hold a rule, but it is empty" });
  // The keys of invalid YAML are not known, so they are not checked.
  if (last === undefined || problems.some(({ path: key, line }) => key === "" && line !== undefined)) {
    return { ok: false, problems };
  }
  const bases: BaseRule[] = [];
  const counts: CountRule[] = [];
  for (const part of parsed) {
    if (isCorrelation(part.value)) {
      counts.push(...read(part, countRule));
    } else {
      bases.push(...read(part, baseRule));
      checkConditions(part.value, part.report);
    }
  }
  const [rule] = isCorrelation(last.value) ? read(last, correlationRule) : read(last, eventRule);
  checkConditions(last.value, last.report);
  checkDetection(last.value, last.report);
  checkReferences(parsed, last);
  if (rule === undefined || problems.length > 0) return { ok: false, problems: sortByLine(problems) };
  const lineOf: RuleFile["lineOf"] = (document, key) =>
    (parsed.find(({ value }) => nameOf(value) === document) ?? last).lineOf(key);
  return { ok: true, value: { path: shown, folder: dirname(path), name, rule, bases, counts, lineOf } };
}

/** Returns a list with the document as its schema reads it. If it has faults, reports them and returns an empty list. */
function read<T extends z.ZodType>({ value, report }: Parsed, schema: T): z.output<T>[] {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return [result.data];
  reportIssues(result.error.issues, (path) => keysAt(schema, path), report);
  return [];
}

function nameOf(document: unknown): string | undefined {
  const { name } = Object(document) as { name?: unknown };
  return typeof name === "string" ? name : undefined;
}

/** Returns whether a document is a correlation of several types of events. */
function isTogether(document: unknown): boolean {
  const { correlation } = Object(document) as { correlation?: unknown };
  return String((Object(correlation) as { type?: unknown }).type).startsWith("temporal");
}

/** Returns the names in a document's `correlation.rules`. */
function rulesOf(document: unknown): string[] {
  const { correlation } = Object(document) as { correlation?: unknown };
  const { rules } = Object(correlation) as { rules?: unknown };
  return Array.isArray(rules) ? rules.filter((rule) => typeof rule === "string") : [];
}

/** Reports names of documents that do not exist, occur twice or are not used. */
function checkReferences(before: readonly Parsed[], last: Parsed): void {
  if (!isCorrelation(last.value)) {
    if (before.length > 0) last.report([], "must end with the correlation of the documents before it");
    return;
  }
  const names = before.map(({ value }) => nameOf(value));
  const all = [...before, last];
  const used = new Set(all.flatMap(({ value }) => rulesOf(value)));
  before.forEach(({ report }, index) => {
    const name = names[index];
    if (name === undefined) return;
    if (names.indexOf(name) < index)
      report(["name"], `must be unique, but two documents are named "${name}"`);
    if (!used.has(name))
      report(
        ["name"],
        `must be in the rules of a correlation, but no correlation uses the document named "${name}"`,
      );
  });
  const events = before.filter(({ value }) => !isCorrelation(value)).map(({ value }) => nameOf(value));
  for (const { value, report } of all) {
    rulesOf(value).forEach((name, index) => {
      const at = ["correlation", "rules", index];
      if (!names.includes(name))
        report(at, `must be a document of this file, but no document is named "${name}"`);
      else if (!events.includes(name) && !isTogether(value)) {
        report(
          at,
          `must name a rule about events; "${name}" is a count, which only a temporal correlation may name`,
        );
      }
    });
  }
}

/** Returns the rules that pySigma converts, by name: the base rules, or the detection itself. */
export function convertible({
  name,
  rule,
  bases,
}: Pick<RuleFile, "name" | "rule" | "bases">): Record<string, object> {
  const reduced = ({ title, logsource, detection }: EventRule | BaseRule) => ({
    title,
    logsource,
    detection,
  });
  if ("detection" in rule) return { [name]: reduced(rule) };
  return Object.fromEntries(bases.map((base) => [base.name, reduced(base)]));
}
