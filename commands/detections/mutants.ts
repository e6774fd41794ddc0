import type { LoadedRule } from "../../detections";
import { buildDetection } from "../../detections/build";
import type { Condition, Detection, Logic } from "../../detections/detection";
import { convertible, type RuleFile } from "../../detections/file";
import { evaluateLines, fault, type IndexedCase } from "./cases";
import { type Converted, convertRules } from "./convert";
import type { Search } from "./evaluate";

/** A rule without one of its conditions. A rule's test cases must notice that the condition is missing. */
export interface Mutant {
  /** The name of the removed condition, for messages. */
  readonly without: string;
  readonly detection: Detection;
}

type Selections = Record<string, unknown> & { condition: string };

/**
 * Returns the Sigma rule once for each of its conditions, without that condition. An empty selection then matches every
 * line. The condition that a field of the correlation's group-by exists is kept: without it the alerts would be the same.
 */
function withoutOne(
  rule: { detection: Selections },
  by: readonly string[],
): { without: string; rule: object }[] {
  const { condition, ...selections } = rule.detection;
  return Object.entries(selections).flatMap(([name, selection]) => {
    // In a list of maps, any one must match.
    const maps = [selection].flat().map((map) => map as Record<string, unknown>);
    return maps.flatMap((map, at) => {
      const fields = Object.keys(map).filter((field) => !by.some((group) => field === `${group}|exists`));
      return fields.map((field) => {
        const rest = Object.entries(map).filter(([key]) => key !== field);
        const left = rest.length > 0 ? Object.fromEntries(rest) : { "@timestamp|exists": true };
        const position = Array.isArray(selection) ? `[${at}]` : "";
        return {
          without: `${name}${position}.${field}`,
          rule: {
            ...rule,
            detection: {
              ...selections,
              [name]: Array.isArray(selection) ? maps.with(at, left) : left,
              condition,
            },
          },
        };
      });
    });
  });
}

/** Returns the rules that pySigma must convert for `mutants`, by key. */
function mutatedRules(file: RuleFile): Record<string, object> {
  const by = "correlation" in file.rule ? (file.rule.correlation["group-by"] ?? []) : [];
  const all = Object.entries(convertible(file)).flatMap(([name, rule]) =>
    withoutOne(rule as { detection: Selections }, by).map(
      (mutant) => [`${name}: ${mutant.without}`, mutant.rule] as const,
    ),
  );
  return Object.fromEntries(all);
}

/** Returns a count without its threshold, without its group-by, and without its order. */
function withoutLimits(logic: Logic): { without: string; logic: Logic }[] {
  if (logic.kind === "event" || (logic.kind === "count" && logic.threshold === 1)) return [];
  const ungrouped = logic.by.length > 0 ? [{ without: "group-by", logic: { ...logic, by: [] } }] : [];
  if (logic.kind !== "together")
    return [{ without: "threshold", logic: { ...logic, threshold: 1 } }, ...ungrouped];
  const lowered = logic.parts.flatMap((part, index) =>
    part.threshold === 1
      ? []
      : [
          {
            without: `threshold ${index + 1}`,
            logic: { ...logic, parts: logic.parts.with(index, { ...part, threshold: 1 }) },
          },
        ],
  );
  const unordered = logic.ordered ? [{ without: "order", logic: { ...logic, ordered: false } }] : [];
  return [...lowered, ...ungrouped, ...unordered];
}

/**
 * Returns every mutant of a file's rule.
 * @param converted pySigma's results for `mutatedRules`
 */
function mutantsOfFile(
  file: RuleFile,
  conditions: Readonly<Record<string, Condition>>,
  converted: Readonly<Record<string, Converted>>,
): Mutant[] {
  const original = buildDetection(file, conditions);
  const conditionsTaken = Object.keys(mutatedRules(file)).map((key) => {
    const result = converted[key];
    if (result === undefined || "error" in result) throw new Error(`${file.path}: ${key}: ${result?.error}`);
    const [name = ""] = key.split(":");
    return { without: key, detection: buildDetection(file, { ...conditions, [name]: result }) };
  });
  const limitsTaken = withoutLimits(original.logic).map(({ without, logic }) => ({
    without,
    detection: { ...original, logic },
  }));
  return [...conditionsTaken, ...limitsTaken];
}

/** Returns every mutant of some rules. Runs pySigma once; throws an Error if it cannot run. */
export function mutants(rules: readonly LoadedRule[]): Mutant[] {
  const keyed = rules.flatMap(({ file }) =>
    Object.entries(mutatedRules(file)).map(([key, rule]) => [`${file.name}/${key}`, rule] as const),
  );
  const converted = convertRules(Object.fromEntries(keyed));
  return rules.flatMap(({ file, conditions }) => {
    const own = Object.keys(mutatedRules(file)).flatMap((key) => {
      const result = converted[`${file.name}/${key}`];
      return result === undefined ? [] : [[key, result] as const];
    });
    return mutantsOfFile(file, conditions, Object.fromEntries(own));
  });
}

/** Returns the mutants that no test case of their rule notices: in each case they fire exactly as the rule itself does. */
export async function survivors(
  all: readonly Mutant[],
  cases: readonly IndexedCase[],
  search: Search,
): Promise<Mutant[]> {
  const work = all.flatMap((mutant) =>
    cases.filter(({ rule }) => rule === mutant.detection.name).map((one) => ({ mutant, one })),
  );
  const alerts = await evaluateLines(
    work.map(({ mutant, one }) => ({ detection: mutant.detection, lines: one.lines, ids: one.ids })),
    search,
  );
  const noticed = new Set(
    work
      .filter(({ one }, at) => fault({ ...one, entity: undefined }, alerts[at] ?? []) !== undefined)
      .map(({ mutant }) => mutant),
  );
  return all.filter((mutant) => !noticed.has(mutant));
}
