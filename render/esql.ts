import type { Logic } from "../detections/detection";

/** What only ES|QL can say. */
export type EsqlLogic = Extract<Logic, { kind: "distinct" | "together" }>;

/**
 * What only ES|QL can say: pySigma's conditions, counted over the rule's window, which Kibana adds itself. (pySigma's
 * own correlations count in fixed buckets of time, and miss what lies across two of them.) One row is one alert.
 */
export function renderEsql(logic: EsqlLogic, dataStream: string, horizonMinutes: number): string {
  const by = logic.by.length > 0 ? ` by ${logic.by.join(", ")}` : "";
  const source = `from ${dataStream} | where @timestamp >= now() - ${horizonMinutes} minutes`;
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
