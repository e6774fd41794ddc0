/**
 * How Kibana 8.19 evaluates an `.es-query` rule that counts documents: the search it sends, which groups meet its
 * condition, and which of its alerts act now. What Elastic documents of the rule type, and what rules were seen to do.
 * `npm run detections -- test | try` judges rules by it, and the lab's stand-in for Kibana runs them by it.
 */
import { milliseconds } from "../core/duration";
import type { Json } from "../core/json";
import { MATCHED } from "./rule";
import type { Params } from "./rule-params";

/** When an action is done for an alert that stays active. */
export interface Action {
  readonly uuid: string;
  readonly frequency: {
    readonly notify_when: "onActiveAlert" | "onActionGroupChange" | "onThrottleInterval";
    readonly throttle: string | null;
  };
}

/** What is remembered of an alert while it is active; times are ISO texts. */
export interface Alert {
  readonly uuid: string;
  /** When each action was done last, by its uuid. */
  readonly acted: Record<string, string>;
}

/** A group that meets the rule's condition; without groups there is at most one. */
export interface Match {
  readonly id: string;
  readonly value: number;
  readonly hits: Json[];
}

/** One action to be done for one alert. */
export interface Firing<A extends Action = Action> {
  readonly action: A;
  readonly alert: Alert;
  readonly match: Match;
}

const DATE = "strict_date_optional_time";

/** The first and last instant of the rule's window. */
export function timeWindow(
  params: Pick<Params, "timeWindowSize" | "timeWindowUnit">,
  now: Date,
): { from: string; to: string } {
  const length = milliseconds(`${params.timeWindowSize}${params.timeWindowUnit}`);
  return { from: new Date(now.getTime() - length).toISOString(), to: now.toISOString() };
}

/**
 * The body of the rule's search. One without groups leaves out what is not newer than `seenUntil`.
 * Several fields are grouped with `composite`, sorted and cut in `matches`: the same groups as Kibana's `multi_terms`,
 * which not every build of Elasticsearch has.
 */
export function searchBody(params: Params, seenUntil: string | null, now: Date): Json {
  const { timeField, termField, termSize, size, thresholdComparator, threshold } = params;
  const { query, ...rest } = JSON.parse(params.esQuery) as Json;
  const { from, to } = timeWindow(params, now);
  const range = (bounds: Json) => ({ range: { [timeField]: { ...bounds, format: DATE } } });
  const seen = !termField && params.excludeHitsFromPreviousRun && seenUntil;
  const groups = Array.isArray(termField)
    ? { composite: { size: 10000, sources: termField.map((field) => ({ [field]: { terms: { field } } })) } }
    : { terms: { field: termField, size: termSize } };
  const condition = {
    buckets_path: { value: "_count" },
    script: `params.value ${thresholdComparator} ${threshold[0]}`,
  };
  const perGroup = {
    ...(size && { hits: { top_hits: { size: Math.min(size, 100) } } }),
    condition: { bucket_selector: condition },
  };
  return {
    ...rest,
    size: termField ? 0 : size,
    track_total_hits: true,
    query: {
      bool: {
        filter: [query, range({ gte: from, lte: to })],
        ...(seen && { must_not: [range({ lte: seenUntil })] }),
      },
    },
    docvalue_fields: [{ field: timeField, format: DATE }],
    sort: [{ [timeField]: { order: "desc" } }],
    ...(termField && { aggs: { groups: { ...groups, aggs: perGroup } } }),
  };
}

interface Bucket {
  readonly key: string | number | Record<string, string | number>;
  readonly doc_count: number;
  readonly hits?: { hits: { hits: Json[] } };
}

function met({ thresholdComparator, threshold: [limit = 0] }: Params, value: number): boolean {
  return { ">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit }[
    thresholdComparator
  ];
}

/** What a search found that meets the rule's condition, and the time up to which a rule without groups has now seen. */
export function matches(params: Params, answer: Json): { matches: Match[]; seenUntil: string | null } {
  if (params.termField) {
    // Nothing is aggregated where there is no index yet.
    const { buckets } = (answer.aggregations as { groups: { buckets: Bucket[] } } | undefined)?.groups ?? {
      buckets: [],
    };
    const byCount = [...buckets].sort((a, b) => b.doc_count - a.doc_count).slice(0, params.termSize);
    const list = byCount.map(({ key, doc_count, hits }) => ({
      id: (typeof key === "object" ? Object.values(key) : [key]).join(","),
      value: doc_count,
      hits: hits?.hits.hits ?? [],
    }));
    return { matches: list, seenUntil: null };
  }
  const { total, hits } = answer.hits as { total: { value: number }; hits: (Json & { sort?: unknown[] })[] };
  if (!met(params, total.value)) return { matches: [], seenUntil: null };
  const newest = hits[0]?.sort?.[0];
  const dated = typeof newest === "number" || typeof newest === "string";
  return {
    matches: [{ id: MATCHED, value: total.value, hits }],
    seenUntil: dated ? new Date(newest).toISOString() : null,
  };
}

function isDue({ uuid, frequency }: Action, { acted }: Alert, now: Date): boolean {
  const { notify_when: when, throttle } = frequency;
  const last = acted[uuid];
  if (when === "onActiveAlert" || last === undefined) return true;
  if (when === "onActionGroupChange") return false;
  return throttle === null || Date.parse(last) + milliseconds(throttle) <= now.getTime();
}

/**
 * The rule's alerts after a run, new or still active, and the actions that are due.
 * An alert that recovered is forgotten, and its throttle with it, as in Kibana.
 */
export function advance<A extends Action>(
  actions: readonly A[],
  before: Readonly<Record<string, Alert>>,
  found: readonly Match[],
  now: Date,
  newUuid: () => string,
): { alerts: Record<string, Alert>; firings: Firing<A>[] } {
  const alerts: Record<string, Alert> = {};
  const firings: Firing<A>[] = [];
  for (const match of found) {
    const known = Object.hasOwn(before, match.id) ? before[match.id] : undefined;
    const alert = known ?? { uuid: newUuid(), acted: {} };
    const due = actions.filter((action) => isDue(action, alert, now));
    const times = due.map(({ uuid }) => [uuid, now.toISOString()]);
    const next: Alert = {
      ...alert,
      acted: { ...alert.acted, ...(Object.fromEntries(times) as Record<string, string>) },
    };
    firings.push(...due.map((action) => ({ action, alert: next, match })));
    alerts[match.id] = next;
  }
  return { alerts, firings };
}
