import type { Logic } from "../detections/detection";

/** The logic of detections that only ES|QL can express. */
export type EsqlLogic = Extract<Logic, { kind: "distinct" | "together" }>;

/**
 * Returns the ES|QL query of a detection: pySigma's conditions, counted over the rule's window. Kibana adds the window itself. Each
 * row of the result is one alert. (pySigma's own correlations count in fixed intervals, and miss events on both sides of a limit.)
 * @param maxAgeMinutes how old a line may be, since it was written
 */
export function renderEsql(logic: EsqlLogic, dataStream: string, maxAgeMinutes: number): string {
  const by = logic.by.length > 0 ? ` by ${logic.by.join(", ")}` : "";
  const source = `from ${dataStream} | where @timestamp >= now() - ${maxAgeMinutes} minutes`;
  if (logic.kind === "distinct") {
    return [
      `${source} and (${logic.condition.esql})`,
      `stats value_count = count_distinct(${logic.field})${by}`,
      `where value_count ${logic.comparator} ${logic.threshold}`,
    ].join(" | ");
  }
  const conditions = logic.parts.map(({ condition }) => `(${condition.esql})`);
  const counts = conditions.map((condition, index) => `count_${index + 1} = count(${condition} or null)`);
  const limits = logic.parts.map((part, index) => `count_${index + 1} ${part.comparator} ${part.threshold}`);
  const order = {
    stats: [
      `began = min(case(${conditions[0]}, @timestamp, null))`,
      `ended = max(case(${conditions.at(-1)}, @timestamp, null))`,
    ],
    limit: "began < ended",
  };
  return [
    `${source} and (${conditions.join(" or ")})`,
    `stats ${[...counts, ...(logic.ordered ? order.stats : [])].join(", ")}${by}`,
    `where ${[...limits, ...(logic.ordered ? [order.limit] : [])].join(" and ")}`,
  ].join(" | ");
}
