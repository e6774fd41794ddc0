/**
 * How Kibana 8.19 evaluates an `.es-query` rule that counts documents: the search that it sends, the groups that meet its
 * condition, and the actions that are due. Sources: Elastic's documentation of the rule type, and the observed behaviour of
 * rules. `npm run detections -- test | try` and the lab's stand-in for Kibana use it.
 */
import { milliseconds } from "../core/duration";
import type { Json } from "../core/json";
import { MATCHED } from "./rule";
import type { Params } from "./rule-params";

/** An action of a rule, and how often it runs while an alert stays active. */
export interface Action {
  readonly uuid: string;
  readonly frequency: {
    readonly notify_when: "onActiveAlert" | "onActionGroupChange" | "onThrottleInterval";
    readonly throttle: string | null;
  };
}

/** The state of an active alert. Times are ISO texts. */
export interface Alert {
  readonly uuid: string;
  /** When each action ran last, by the action's uuid. */
  readonly acted: Record<string, string>;
}

/** A group that meets the rule's condition. A rule without groups has at most one match. */
export interface Match {
  readonly id: string;
  readonly value: number;
  readonly hits: Json[];
}

/** An action that is due for an alert. */
export interface Firing<A extends Action = Action> {
  readonly action: A;
  readonly alert: Alert;
  readonly match: Match;
}

const DATE = "strict_date_optional_time";

/** Returns the start and the end of the rule's time window, as ISO texts. */
export function timeWindow(
  params: Pick<Params, "timeWindowSize" | "timeWindowUnit">,
  now: Date,
): { from: string; to: string } {
  const length = milliseconds(`${params.timeWindowSize}${params.timeWindowUnit}`);
  return { from: new Date(now.getTime() - length).toISOString(), to: now.toISOString() };
}

/**
 * Returns the body of the rule's search. A rule without groups finds only documents that are newer than `seenUntil`.
 * Several fields are grouped with `composite`; `matches` sorts and cuts the groups. The groups are the same as those of
 * Kibana's `multi_terms`, which not every build of Elasticsearch has.
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

/** Returns the groups of a search's reply that meet the rule's condition. `seenUntil` is for the next search of a rule without groups. */
export function matches(params: Params, answer: Json): { matches: Match[]; seenUntil: string | null } {
  if (params.termField) {
    // Without an index, the reply has no aggregations.
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
 * Returns the rule's active alerts after a run, new ones included, and the actions that are due.
 * As in Kibana, the state of a recovered alert is dropped, and its throttle too.
 * @param before the active alerts of the last run, by the group's id
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
