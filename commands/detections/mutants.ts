import { buildDetection } from "../../detections/build";
import type { Condition, Detection, Logic } from "../../detections/detection";
import { convertible, type RuleFile } from "../../detections/file";
import type { Converted } from "./convert";

/** A rule with one of its conditions taken away. */
export interface Mutant {
  /** What was taken away, for people. */
  readonly without: string;
  readonly detection: Detection;
}

type Selections = Record<string, unknown> & { condition: string };

/**
 * Each way to take one field's condition out of a Sigma rule. A selection that is then empty lets every line through.
 * That a field exists which the correlation groups by goes without saying: no event could tell the difference.
 */
function withoutOne(
  rule: { detection: Selections },
  by: readonly string[],
): { without: string; rule: object }[] {
  const { condition, ...selections } = rule.detection;
  return Object.entries(selections).flatMap(([name, selection]) => {
    if (typeof selection !== "object" || selection === null || Array.isArray(selection)) return [];
    const fields = Object.keys(selection).filter((field) => !by.some((group) => field === `${group}|exists`));
    return fields.map((field) => {
      const rest = Object.entries(selection).filter(([key]) => key !== field);
      const left = rest.length > 0 ? Object.fromEntries(rest) : { "@timestamp|exists": true };
      return {
        without: `${name}.${field}`,
        rule: { ...rule, detection: { ...selections, [name]: left, condition } },
      };
    });
  });
}

/** The rules that pySigma has to convert for `mutants`, by key. */
export function mutatedRules(file: RuleFile): Record<string, object> {
  const by = "correlation" in file.rule ? (file.rule.correlation["group-by"] ?? []) : [];
  const all = Object.entries(convertible(file)).flatMap(([name, rule]) =>
    withoutOne(rule as { detection: Selections }, by).map(
      (mutant) => [`${name}: ${mutant.without}`, mutant.rule] as const,
    ),
  );
  return Object.fromEntries(all);
}

/** A count without its threshold, its group or its order: what is to be seen in the file's own cases too. */
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

/** Every mutant of a file's rule. `converted` holds what pySigma made of `mutatedRules`. */
export function mutants(
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
