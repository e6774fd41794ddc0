import mustache from "mustache";
import type { z } from "zod";
import { type dslParams, parseDuration, type ruleCreate } from "./schemas";
import { isObject, type Json } from "./words";

export type Params = z.output<typeof dslParams>;
export type Action = z.output<typeof ruleCreate>["actions"][number] & { uuid: string; group: string };
export interface Rule extends Omit<z.output<typeof ruleCreate>, "actions"> {
  id: string;
  actions: Action[];
  revision: number;
}

/** What is remembered of an alert while it is active; times are ISO texts. */
export interface Alert {
  uuid: string;
  start: string;
  consecutive: number;
  notified: { at: string; actions: Record<string, string> } | null;
}
export interface Match {
  id: string;
  value: number;
  hits: Json[];
}
/** One action to be done for one alert. */
export interface Firing {
  action: Action;
  alert: Alert & { id: string };
  match: Match;
}

const ungrouped = "query matched";
export const matchedGroup = "query matched";
export const recoveredGroup = "recovered";
const groupNames: Record<string, string> = { [matchedGroup]: "Query matched", [recoveredGroup]: "Recovered" };

/** The first and last instant of the rule's window. */
export function timeWindow(params: Params, now: Date): { from: string; to: string } {
  const length = parseDuration(`${params.timeWindowSize}${params.timeWindowUnit}`);
  return { from: new Date(now.getTime() - length).toISOString(), to: now.toISOString() };
}

/** `value` is what the condition compares: a script's variable, or a number. */
function condition({ thresholdComparator: comparator, threshold }: Params, value: string): string {
  const [low, high] = threshold;
  if (comparator === "between") return `${value} >= ${low} && ${value} <= ${high}`;
  if (comparator === "notBetween") return `${value} < ${low} || ${value} > ${high}`;
  return `${value} ${comparator} ${low}`;
}

function met({ thresholdComparator: comparator, threshold }: Params, value: number): boolean {
  const [low = 0, high = 0] = threshold;
  const outcomes = {
    ">": value > low,
    "<": value < low,
    ">=": value >= low,
    "<=": value <= low,
    between: value >= low && value <= high,
    notBetween: value < low || value > high,
  };
  return outcomes[comparator];
}

const date = "strict_date_optional_time";

/**
 * The body of the rule's search. An ungrouped rule leaves out what is not newer than `seenUntil`.
 * Several fields are grouped with `composite`, sorted and cut in `matches`: the same groups as Kibana's `multi_terms`,
 * which not every build of Elasticsearch has.
 */
export function searchBody(params: Params, seenUntil: string | null, now: Date): Json {
  const { timeField, termField, termSize = 100, size } = params;
  const { query, ...rest } = JSON.parse(params.esQuery) as Json;
  const { from, to } = timeWindow(params, now);
  const range = (bounds: Json) => ({ range: { [timeField]: { ...bounds, format: date } } });
  const seen = !termField && params.excludeHitsFromPreviousRun && seenUntil;
  const perGroup = {
    ...(size && { hits: { top_hits: { size: Math.min(size, 100) } } }),
    condition: {
      bucket_selector: {
        buckets_path: { value: "_count" },
        script: condition(params, "params.value"),
      },
    },
  };
  const fields = [termField ?? []].flat();
  const groups = Array.isArray(termField)
    ? { composite: { size: 10000, sources: fields.map((field) => ({ [field]: { terms: { field } } })) } }
    : { terms: { field: termField, size: termSize } };
  return {
    size: termField ? 0 : size,
    track_total_hits: true,
    query: {
      bool: {
        filter: [query, range({ gte: from, lte: to })],
        ...(seen && { must_not: [range({ lte: seenUntil })] }),
      },
    },
    docvalue_fields: [{ field: timeField, format: date }],
    sort: [{ [timeField]: { order: "desc" } }],
    ...(rest.fields !== undefined && { fields: rest.fields }),
    ...(rest._source !== undefined && { _source: rest._source }),
    ...(rest.runtime_mappings !== undefined && { runtime_mappings: rest.runtime_mappings }),
    ...(termField && { aggs: { groups: { ...groups, aggs: perGroup } } }),
  };
}

interface Bucket extends Json {
  key: string | number | Record<string, string | number>;
  doc_count: number;
  hits?: { hits: { hits: Json[] } };
}

/** What a search found that meets the rule's condition, and the time up to which an ungrouped rule has now seen. */
export function matches(params: Params, answer: Json): { matches: Match[]; seenUntil: string | null } {
  const found = answer.hits as { total: { value: number }; hits: (Json & { sort?: unknown[] })[] };

  if (params.termField) {
    const { buckets } = (answer.aggregations as { groups: { buckets: Bucket[] } }).groups;
    const byCount = [...buckets].sort((a, b) => b.doc_count - a.doc_count).slice(0, params.termSize);
    const list = byCount.map((bucket) => ({
      id: (isObject(bucket.key) ? Object.values(bucket.key) : [bucket.key]).join(","),
      value: bucket.doc_count,
      hits: bucket.hits?.hits.hits ?? [],
    }));
    return { matches: list, seenUntil: null };
  }
  const counted = found.total.value;
  if (!met(params, counted)) return { matches: [], seenUntil: null };
  const newest = found.hits[0]?.sort?.[0];
  return {
    matches: [{ id: ungrouped, value: counted, hits: found.hits }],
    seenUntil:
      typeof newest === "number" || typeof newest === "string" ? new Date(newest).toISOString() : null,
  };
}

function isDue(rule: Rule, action: Action, alert: Alert, now: Date): boolean {
  const when = action.frequency?.notify_when ?? rule.notify_when ?? "onActiveAlert";
  if (when === "onActiveAlert" || !alert.notified) return true;
  if (when === "onActionGroupChange") return false;
  const throttle = action.frequency?.throttle ?? rule.throttle;
  const last = action.frequency ? alert.notified.actions[action.uuid] : alert.notified.at;
  return !last || !throttle || Date.parse(last) + parseDuration(throttle) <= now.getTime();
}

/**
 * The rule's alerts after a run: new, still active, or recovered, and the actions that are due.
 * An alert that recovered is forgotten, and its throttle with it, as in Kibana.
 */
export function advance(
  rule: Rule,
  before: Record<string, Alert>,
  found: Match[],
  now: Date,
  newUuid: () => string,
): { alerts: Record<string, Alert>; firings: Firing[] } {
  const at = now.toISOString();
  const delay = rule.alert_delay?.active ?? 1;
  const actionsOf = (group: string) => rule.actions.filter((action) => action.group === group);
  const alerts: Record<string, Alert> = {};
  const firings: Firing[] = [];
  for (const match of found) {
    const known = Object.hasOwn(before, match.id) ? before[match.id] : undefined;
    const alert = known ?? { uuid: newUuid(), start: at, consecutive: 0, notified: null };
    const next: Alert = { ...alert, consecutive: alert.consecutive + 1 };
    const due = actionsOf(matchedGroup).filter((action) => isDue(rule, action, alert, now));
    if (next.consecutive >= delay && due.length) {
      const times = Object.fromEntries(due.map((action) => [action.uuid, at]));
      next.notified = { at, actions: { ...alert.notified?.actions, ...times } };
      firings.push(...due.map((action) => ({ action, alert: { ...next, id: match.id }, match })));
    }
    alerts[match.id] = next;
  }
  for (const [id, alert] of Object.entries(before)) {
    if (Object.hasOwn(alerts, id) || alert.consecutive < delay) continue;
    const match = { id, value: 0, hits: [] };
    firings.push(...actionsOf(recoveredGroup).map((action) => ({ action, alert: { ...alert, id }, match })));
  }
  return { alerts, firings };
}

const comparatorWords: Record<Params["thresholdComparator"], string> = {
  ">": "greater than",
  "<": "less than",
  ">=": "greater than or equal to",
  "<=": "less than or equal to",
  between: "between",
  notBetween: "not between",
};

/** Everything a template of an action can name. */
export function variables(
  rule: Rule,
  params: Params,
  { action, alert, match }: Firing,
  now: Date,
  kibanaBaseUrl?: string,
): Json {
  const recovered = action.group === recoveredGroup;
  const group = params.termField ? alert.id : undefined;
  const limit = `${comparatorWords[params.thresholdComparator]} ${params.threshold.join(" and ")}`;
  const url = `${kibanaBaseUrl ?? ""}/app/management/insightsAndAlerting/triggersActions/rule/${rule.id}`;
  const verb = recovered ? "recovered" : `matched query${group ? ` for group ${group}` : ""}`;
  const { from, to } = timeWindow(params, now);
  const indices = `${params.index.join(", ")} ${params.index.length === 1 ? "index" : "indices"}`;
  return {
    context: {
      title: `rule '${rule.name}' ${verb}`,
      message: `Document count is ${match.value} in the last ${params.timeWindowSize}${params.timeWindowUnit}${group ? ` for ${group}` : ""} in ${indices}. Alert when ${limit}.`,
      date: now.toISOString(),
      value: match.value,
      hits: match.hits,
      link: url,
      conditions: `Number of matching documents${group ? ` for group "${group}"` : ""} is ${recovered ? "NOT " : ""}${limit}`,
      sourceFields: {},
    },
    date: now.toISOString(),
    kibanaBaseUrl,
    state: { dateStart: from, dateEnd: to },
    params: rule.params,
    rule: {
      id: rule.id,
      name: rule.name,
      type: rule.rule_type_id,
      spaceId: "default",
      tags: rule.tags,
      params: rule.params,
      url: kibanaBaseUrl && url,
    },
    alert: {
      id: alert.id,
      uuid: alert.uuid,
      actionGroup: action.group,
      actionGroupName: groupNames[action.group],
      flapping: false,
      consecutiveMatches: alert.consecutive,
    },
    alertId: rule.id,
    alertName: rule.name,
    alertInstanceId: alert.id,
    alertActionGroup: action.group,
    alertActionGroupName: groupNames[action.group],
    spaceId: "default",
    tags: rule.tags,
  };
}

/** Puts `value` where the dotted key says, as far as no other value stands in the way. */
function expand(target: Json, [key = "", ...rest]: string[], value: unknown): void {
  if (key === "__proto__") return;
  if (rest.length === 0) target[key] = value;
  else expand(isObject(target[key]) ? target[key] : (target[key] = {}), rest, value);
}

/** Makes objects print as JSON, gives arrays `asJSON`, and dotted keys their tree beside them: what Kibana does for templates. */
function prepare(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(prepare);
    return Object.assign(items, { asJSON: () => JSON.stringify(items) });
  }
  if (!isObject(value)) return value;
  const copy: Json = { ...value };
  for (const key of Object.keys(value)) if (key.includes(".")) expand(copy, key.split("."), value[key]);
  for (const key of Object.keys(copy)) copy[key] = prepare(copy[key]);
  if (!Object.hasOwn(copy, "toString"))
    Object.defineProperty(copy, "toString", { value: () => JSON.stringify(copy), enumerable: false });
  return copy;
}

/** Renders every text in a template with the variables, unescaped; what is no text stays as it is. */
export function renderAll(template: unknown, values: Json): unknown {
  const prepared = prepare(JSON.parse(JSON.stringify(values))) as Json;
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk);
    if (isObject(node))
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value)]));
    if (typeof node !== "string") return node;
    try {
      return mustache.render(node, prepared, undefined, {
        escape: (value: string | null) => String(value ?? ""),
      });
    } catch (error) {
      return `error rendering mustache template "${node}": ${(error as Error).message}`;
    }
  };
  return walk(template);
}
