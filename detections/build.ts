import {
  type Comparator,
  type Condition,
  type Detection,
  type Limit,
  type Logic,
  type Part,
  isInQueryDsl,
  type Window,
} from "./detection";
import type { RuleFile } from "./file";
import type { CorrelationRule } from "./schema";

const COMPARATORS: Record<string, Comparator> = { gte: ">=", gt: ">", lte: "<=", lt: "<" };

function limit(condition: object): Limit {
  const [key, threshold] = Object.entries(condition).find(([name]) => name !== "field") as [string, number];
  return { comparator: COMPARATORS[key] ?? ">=", threshold };
}

function window(timespan: string): Window {
  return { size: parseInt(timespan, 10), unit: timespan.slice(-1) as Window["unit"] };
}

function correlate(file: RuleFile, rule: CorrelationRule, conditions: Record<string, Condition>): Logic {
  const { correlation } = rule;
  const by = correlation["group-by"] ?? [];
  const span = window(correlation.timespan);
  // Every name has a condition: readRuleFile refuses unknown names.
  const conditionOf = (name: string): Condition => conditions[name] as Condition;
  const part = (name: string): Part => {
    const count = file.counts.find((candidate) => candidate.name === name)?.correlation;
    if (count === undefined) return { condition: conditionOf(name), comparator: ">=", threshold: 1 };
    return { condition: conditionOf(count.rules[0] ?? ""), ...limit(count.condition) };
  };
  const [first = ""] = correlation.rules;
  switch (correlation.type) {
    case "event_count":
      return {
        kind: "count",
        condition: conditionOf(first),
        by,
        window: span,
        ...limit(correlation.condition),
      };
    case "value_count":
      return {
        kind: "distinct",
        condition: conditionOf(first),
        field: correlation.condition.field,
        by,
        window: span,
        ...limit(correlation.condition),
      };
    case "temporal":
    case "temporal_ordered":
      return {
        kind: "together",
        parts: correlation.rules.map(part),
        by,
        window: span,
        ordered: correlation.type === "temporal_ordered",
      };
  }
}

/** Returns a detection from its file and its converted conditions. A detection that needs ES|QL is off. */
export function buildDetection(file: RuleFile, conditions: Record<string, Condition>): Detection {
  const { rule } = file;
  const logic: Logic =
    "detection" in rule
      ? { kind: "event", condition: conditions[file.name] as Condition }
      : correlate(file, rule, conditions);
  return {
    id: rule.id,
    name: file.name,
    title: rule.title,
    description: rule.description.trim(),
    severity: rule.level,
    tags: rule.tags,
    falsePositives: rule.falsepositives,
    note: rule.note.trim(),
    entity: "detection" in rule ? rule.entity : (rule.correlation["group-by"] ?? []),
    enabled: isInQueryDsl({ logic }),
    logic,
    ...("containers" in rule && rule.containers !== undefined && { containers: rule.containers }),
    tests: rule.tests,
  };
}
