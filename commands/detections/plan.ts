import type { Detection, Limit } from "../../detections/detection";
import type { EsqlLogic } from "../../render/esql";
import { MATCHED } from "../../kibana/rule";
import { renderParams, renderQuery } from "../../render/rule";
import type { Json } from "../../core/json";
import { type Match, matches, searchBody, timeWindow } from "../../kibana/es-query";
import { dslParams, esqlParams } from "../../kibana/rule-params";

/** How to evaluate a detection on Elasticsearch: `body` returns the search, and `found` reads its reply. */
export interface Plan {
  readonly body: (seenUntil: string | null, now: Date) => Json;
  readonly found: (answer: Json) => { matches: Match[]; seenUntil: string | null };
}

function meets({ comparator, threshold }: Limit, value: number): boolean {
  return {
    ">=": value >= threshold,
    ">": value > threshold,
    "<=": value <= threshold,
    "<": value < threshold,
  }[comparator];
}

interface Bucket extends Json {
  readonly key: Record<string, string | number>;
  readonly hits: { hits: { hits: Json[] } };
  readonly distinct?: { value: number };
}
interface Counted {
  readonly doc_count: number;
  readonly first: { value: number | null };
  readonly last: { value: number | null };
}

const conditionsOf = (logic: EsqlLogic) =>
  logic.kind === "distinct" ? [logic.condition] : logic.parts.map(({ condition }) => condition);

/** Returns aggregations that count the same as the rule's ES|QL: a cardinality, or filtered counts, for each group. */
function aggregations(logic: EsqlLogic): Json {
  const time = (kind: string) => ({ [kind]: { field: "@timestamp" } });
  const counts =
    logic.kind === "distinct"
      ? { distinct: { cardinality: { field: logic.field } } }
      : Object.fromEntries(
          logic.parts.map(({ condition }, index) => [
            `part_${index}`,
            { filter: renderQuery(condition.lucene), aggs: { first: time("min"), last: time("max") } },
          ]),
        );
  const aggs = { ...counts, hits: { top_hits: { size: 20 } } };
  if (logic.by.length === 0) return { all: { filters: { filters: { all: { match_all: {} } } }, aggs } };
  const sources = logic.by.map((field) => ({ [field]: { terms: { field } } }));
  return { groups: { composite: { size: 1000, sources }, aggs } };
}

function matchOf(logic: EsqlLogic, bucket: Bucket, id: string): Match[] {
  const hits = bucket.hits.hits.hits;
  if (logic.kind === "distinct") {
    const value = bucket.distinct?.value ?? 0;
    return meets(logic, value) ? [{ id, value, hits }] : [];
  }
  const parts = logic.parts.map((_, index) => bucket[`part_${index}`] as Counted);
  const first = parts[0]?.first.value ?? Infinity;
  const last = parts.at(-1)?.last.value ?? -Infinity;
  const met = logic.parts.every((part, index) => meets(part, parts[index]?.doc_count ?? 0));
  const value = parts.reduce((sum, { doc_count }) => sum + doc_count, 0);
  return met && (!logic.ordered || first < last) ? [{ id, value, hits }] : [];
}

function esqlPlan(detection: Detection, logic: EsqlLogic, only: Json[]): Plan {
  const params = esqlParams.parse(renderParams(detection, { dataStream: "logs" }));
  const either = { bool: { should: conditionsOf(logic).map(({ lucene }) => renderQuery(lucene)) } };
  return {
    body: (_seenUntil, now) => {
      const { from, to } = timeWindow(params, now);
      return {
        size: 0,
        query: { bool: { filter: [...only, either, { range: { "@timestamp": { gte: from, lte: to } } }] } },
        aggs: aggregations(logic),
      };
    },
    found: (answer) => {
      const aggs = answer.aggregations as {
        groups?: { buckets: Bucket[] };
        all?: { buckets: { all: Bucket } };
      };
      const all = aggs.all?.buckets.all;
      const list = all
        ? matchOf(logic, all, MATCHED)
        : (aggs.groups?.buckets ?? []).flatMap((bucket) =>
            matchOf(logic, bucket, Object.values(bucket.key).join(",")),
          );
      return { matches: list, seenUntil: null };
    },
  };
}

/**
 * Returns the searches of a detection over old documents. They are the rule's own, but use the time when the lines were
 * written, not when they were ingested. A rule in ES|QL is evaluated by aggregations instead.
 * @param ids the documents' ids; default: every document
 */
export function plan(detection: Detection, ids?: readonly string[]): Plan {
  const { logic } = detection;
  const only: Json[] = ids === undefined ? [] : [{ ids: { values: ids } }];
  if (logic.kind === "distinct" || logic.kind === "together") return esqlPlan(detection, logic, only);
  const query = { bool: { filter: [...only, renderQuery(logic.condition.lucene)] } };
  const params = {
    ...dslParams.parse(renderParams(detection, { dataStream: "logs" })),
    timeField: "@timestamp",
    esQuery: JSON.stringify({ query }),
  };
  return {
    body: (seenUntil, now) => searchBody(params, seenUntil, now),
    found: (answer) => matches(params, answer),
  };
}
