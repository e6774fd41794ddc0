import { type Detection, type Logic, saidInDsl, type Window, watchesSilence } from "../detections/detection";
import { renderAlertDocument } from "../pipelines/alert-document";
import { LATENESS_MINUTES } from "../pipelines/lateness";
import { MATCHED } from "../kibana/rule";
import { renderEsql } from "./esql";
import { stableJson } from "../core/json";

/** How often Kibana runs a rule. */
export const INTERVAL = "1m";
/** The window of a rule about single events: longer than the interval, for runs that Kibana starts late. */
const EVENT_WINDOW: Window = { size: 5, unit: "m" };
/** The events that an alert carries, the newest of them. */
const HITS = 20;
/** Groups that a rule looks at, those with most events first: as many as Kibana allows. */
const GROUPS = 1000;
const TIME_FIELD = "event.ingested";

const MINUTES = { s: 1 / 60, m: 1, h: 60, d: 24 * 60 };

export interface RuleTarget {
  /** The data stream that the rule searches, such as "logs-dhis2-default". */
  readonly dataStream: string;
}

/** The arguments of KibanaAlertingRule; each action still needs the connector's `id`. */
export interface RenderedRule {
  readonly name: string;
  readonly ruleId: string;
  readonly ruleTypeId: ".es-query";
  readonly consumer: "alerts";
  readonly enabled: boolean;
  readonly interval: string;
  readonly tags: string[];
  readonly params: string;
  readonly actions: {
    readonly group: typeof MATCHED;
    readonly params: string;
    readonly frequency: { readonly summary: false; readonly notifyWhen: string; readonly throttle?: string };
  }[];
}

/** The window of what is counted. */
export function windowOf(logic: Logic): Window {
  return logic.kind === "event" ? EVENT_WINDOW : logic.window;
}

/** How far back a line may have been written that is counted now. */
export function horizonMinutes(logic: Logic): number {
  const { size, unit } = windowOf(logic);
  return Math.ceil(size * MINUTES[unit]) + LATENESS_MINUTES;
}

/** Elasticsearch's query for a condition; with `horizon`, only of lines written so many minutes ago at most. */
export function renderQuery(lucene: string, horizon?: number): object {
  const condition = { query_string: { query: lucene, analyze_wildcard: true } };
  const age = { range: { "@timestamp": { gte: `now-${horizon}m` } } };
  return { bool: { filter: horizon === undefined ? [condition] : [condition, age] } };
}

/** The rule's params, with every default that Kibana would add (the provider compares exactly). */
export function renderParams(detection: Detection, target: RuleTarget): Record<string, unknown> {
  const { logic } = detection;
  const { size, unit } = windowOf(logic);
  const common = {
    aggType: "count",
    // Only a rule about single events has to tell new ones from those it has shown already.
    excludeHitsFromPreviousRun: logic.kind === "event",
    size: HITS,
    timeField: TIME_FIELD,
    timeWindowSize: size,
    timeWindowUnit: unit,
  };
  if (logic.kind === "distinct" || logic.kind === "together") {
    return {
      ...common,
      esqlQuery: { esql: renderEsql(logic, target.dataStream, horizonMinutes(logic)) },
      // By rows, Kibana names an alert by the fields of the query's BY. Without any it takes all columns (getAlertIdFields in
      // esql_query_utils.ts): with each other count that would be another alert, and its throttle would hold nothing back.
      groupBy: logic.by.length > 0 ? "row" : "all",
      searchType: "esqlQuery",
      threshold: [0],
      thresholdComparator: ">",
    };
  }
  const by = logic.kind === "count" ? logic.by : [];
  return {
    ...common,
    esQuery: stableJson({ query: renderQuery(logic.condition.lucene, horizonMinutes(logic)) }),
    // An array of one is refused.
    ...(by.length > 0
      ? { groupBy: "top", termField: by.length === 1 ? by[0] : by, termSize: GROUPS }
      : { groupBy: "all" }),
    index: [target.dataStream],
    searchType: "esQuery",
    threshold: [logic.kind === "count" ? logic.threshold : 1],
    thresholdComparator: logic.kind === "count" ? logic.comparator : ">=",
  };
}

/** What the connector writes for an alert. */
function alertDocument(detection: Detection): object {
  const { logic, watched } = detection;
  const { size, unit } = windowOf(logic);
  const grouped = logic.kind !== "event" && logic.by.length > 0;
  return renderAlertDocument({
    ...detection,
    window: `${size}${unit}`,
    threshold: thresholdOf(logic),
    count: countOf(logic),
    entityFields: detection.entity,
    entity: watched ?? (grouped ? "{{alert.id}}" : undefined),
  });
}

/** What Kibana fills in for how many there were. The value of a rule in ES|QL is the number of its rows: what it counted stands in them. */
export function countOf(logic: Logic): string {
  return logic.kind === "distinct"
    ? "{{#context.hits}}{{_source.value_count}}{{/context.hits}}"
    : "{{context.value}}";
}

/** How many events it takes, in words for the alert. */
function thresholdOf(logic: Logic): string {
  if (logic.kind === "event") return ">= 1";
  if (logic.kind !== "together") return `${logic.comparator} ${logic.threshold}`;
  return logic.parts.map(({ comparator, threshold }) => `${comparator} ${threshold}`).join(" and ");
}

/**
 * A detection as a Kibana rule. One about single events acts on every run that finds new ones; one that counts acts
 * once for each entity in its window, as the same events are in the window of the next runs too.
 */
export function renderRule(detection: Detection, target: RuleTarget): RenderedRule {
  const { logic } = detection;
  if (watchesSilence(detection) && detection.watched === undefined) {
    throw new Error(
      `${detection.name} watches for silence: it has to be made into one rule for each container`,
    );
  }
  const { size, unit } = windowOf(logic);
  return {
    name: detection.title,
    ruleId: detection.id,
    ruleTypeId: ".es-query",
    consumer: "alerts",
    enabled: detection.enabled,
    interval: INTERVAL,
    tags: [
      "dhis2-siem",
      detection.severity,
      ...detection.tags,
      ...(saidInDsl(detection) ? [] : ["needs ES|QL: not run by this project's tests"]),
    ],
    params: stableJson(renderParams(detection, target)),
    actions: [
      {
        group: MATCHED,
        params: stableJson({ documents: [alertDocument(detection)] }),
        frequency:
          logic.kind === "event"
            ? { summary: false, notifyWhen: "onActiveAlert" }
            : { summary: false, notifyWhen: "onThrottleInterval", throttle: `${size}${unit}` },
      },
    ],
  };
}
