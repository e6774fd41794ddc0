import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { isMap, parseDocument } from "yaml";
import { readYaml } from "../core/yaml";
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
  /** As messages name it. */
  readonly path: string;
  readonly name: string;
  /** The detection itself: the last document. */
  readonly rule: EventRule | CorrelationRule;
  readonly bases: readonly BaseRule[];
  readonly counts: readonly CountRule[];
}

/** The file's documents, each with empty lines in place of what is before it, so that lines keep their numbers. */
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

function isCorrelation(document: string): boolean {
  const { contents } = parseDocument(document);
  return isMap(contents) && contents.has("correlation");
}

/** Reads one detection. Throws one Error with every fault, each with file, line and key. `shown` names the file in messages. */
export function readRuleFile(path: string, shown: string = path): RuleFile {
  const parts = documents(readFileSync(path, "utf8"));
  const last = parts.pop();
  if (last === undefined) throw new Error(`${shown}:1: holds no rule`);
  const name = basename(path, ".yml");
  if (!/^[a-z][a-z0-9_]*$/.test(name)) {
    throw new Error(`${shown}: a rule's file is named with small letters, digits and underscores`);
  }
  const bases: BaseRule[] = [];
  const counts: CountRule[] = [];
  for (const part of parts) {
    if (isCorrelation(part)) counts.push(readYaml(shown, part, countRule));
    else bases.push(readYaml(shown, part, baseRule));
  }
  const rule = isCorrelation(last)
    ? readYaml(shown, last, correlationRule)
    : readYaml(shown, last, eventRule);
  const file = { path: shown, name, rule, bases, counts };
  checkReferences(file);
  return file;
}

/** Every rule that is named is there, once, and is used. */
function checkReferences({ path, rule, bases, counts }: RuleFile): void {
  if ("detection" in rule) {
    if (bases.length + counts.length === 0) return;
    throw new Error(`${path}: the last of several documents has to be the correlation of those before it`);
  }
  const names = [...bases, ...counts].map(({ name }) => name);
  const doubled = names.find((name, index) => names.indexOf(name) !== index);
  if (doubled !== undefined) throw new Error(`${path}: two documents are named "${doubled}"`);
  const used = new Set([
    ...rule.correlation.rules,
    ...counts.flatMap(({ correlation }) => correlation.rules),
  ]);
  const missing = [...used].find((name) => !names.includes(name));
  if (missing !== undefined) throw new Error(`${path}: correlation.rules: no document is named "${missing}"`);
  const unused = names.find((name) => !used.has(name));
  if (unused !== undefined) throw new Error(`${path}: no correlation uses the document named "${unused}"`);
}

/** The rules that pySigma converts, by name: the base rules, or the detection itself. */
export function convertible({ name, rule, bases }: RuleFile): Record<string, object> {
  const reduced = ({ title, logsource, detection }: EventRule | BaseRule) => ({
    title,
    logsource,
    detection,
  });
  if ("detection" in rule) return { [name]: reduced(rule) };
  return Object.fromEntries(bases.map((base) => [base.name, reduced(base)]));
}
