import {
  type Detection,
  type Logic,
  isInQueryDsl,
  type Window,
  watchesSilence,
} from "../detections/detection";
import { MAX_GROUPS } from "../detections/flood";
import { renderAlertDocument } from "../pipelines/alert-document";
import { LATENESS_MINUTES } from "../pipelines/lateness";
import { MATCHED } from "../kibana/rule";
import { renderEsql } from "./esql";
import { stableJson } from "../core/json";

/** How often Kibana runs a rule. */
export const INTERVAL = "1m";
/** The window of a rule about single events. It is longer than the interval, because Kibana can start a run late. */
const EVENT_WINDOW: Window = { size: 5, unit: "m" };
/**
 * How many whole events a search returns: for each group, or of all events that matched. Kibana cannot fetch less of an event for a group
 * (its top_hits has only a size; `sourceFields` would add values to it). With MAX_GROUPS groups and DOCUMENT_BYTES an answer has at most 4.3 MB.
 */
export const MAX_EVENTS = { group: 5, all: 20 } as const;
const TIME_FIELD = "event.ingested";

const MINUTES_PER_UNIT = { s: 1 / 60, m: 1, h: 60, d: 24 * 60 };

/** Where a rule searches. */
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

/** Returns the window in which the rule counts events. */
export function windowOf(logic: Logic): Window {
  return logic.kind === "event" ? EVENT_WINDOW : logic.window;
}

/** Returns whether the rule counts each value of some fields by itself. */
function grouped(logic: Logic): boolean {
  return logic.kind !== "event" && logic.by.length > 0;
}

/** Returns how old a line may be that the rule still counts, in minutes since it was written. */
export function maxAgeMinutes(logic: Logic): number {
  const { size, unit } = windowOf(logic);
  return Math.ceil(size * MINUTES_PER_UNIT[unit]) + LATENESS_MINUTES;
}

/**
 * Returns Elasticsearch's query for a condition.
 * @param ageMinutes finds only lines that were written at most this long ago; default: all lines
 */
export function renderQuery(lucene: string, ageMinutes?: number): object {
  const condition = { query_string: { query: lucene, analyze_wildcard: true } };
  const age = { range: { "@timestamp": { gte: `now-${ageMinutes}m` } } };
  return { bool: { filter: ageMinutes === undefined ? [condition] : [condition, age] } };
}

/** Returns the rule's params, with every default that Kibana adds: the provider compares what it sent with what it reads back. */
export function renderParams(detection: Detection, target: RuleTarget): Record<string, unknown> {
  const { logic } = detection;
  const { size, unit } = windowOf(logic);
  const common = {
    aggType: "count",
    // Only a rule about single events must skip events that it has shown already.
    excludeHitsFromPreviousRun: logic.kind === "event",
    size: grouped(logic) ? MAX_EVENTS.group : MAX_EVENTS.all,
    timeField: TIME_FIELD,
    timeWindowSize: size,
    timeWindowUnit: unit,
  };
  if (logic.kind === "distinct" || logic.kind === "together") {
    return {
      ...common,
      esqlQuery: { esql: renderEsql(logic, target.dataStream, maxAgeMinutes(logic)) },
      // With "row", the fields of the query's BY identify an alert. Without BY, all columns would (getAlertIdFields in
      // esql_query_utils.ts): each other count would be another alert, and throttling would have no effect.
      groupBy: logic.by.length > 0 ? "row" : "all",
      searchType: "esqlQuery",
      threshold: [0],
      thresholdComparator: ">",
    };
  }
  const by = logic.kind === "count" ? logic.by : [];
  return {
    ...common,
    esQuery: stableJson({ query: renderQuery(logic.condition.lucene, maxAgeMinutes(logic)) }),
    // Kibana refuses an array with one element.
    ...(by.length > 0
      ? { groupBy: "top", termField: by.length === 1 ? by[0] : by, termSize: MAX_GROUPS }
      : { groupBy: "all" }),
    index: [target.dataStream],
    searchType: "esQuery",
    threshold: [logic.kind === "count" ? logic.threshold : 1],
    thresholdComparator: logic.kind === "count" ? logic.comparator : ">=",
  };
}

/** Returns the document that the connector writes for an alert. */
function alertDocument(detection: Detection): object {
  const { logic, watched } = detection;
  const { size, unit } = windowOf(logic);
  return renderAlertDocument({
    ...detection,
    window: `${size}${unit}`,
    threshold: thresholdOf(logic),
    count: countOf(logic),
    entityFields: detection.entity,
    entity: watched ?? (grouped(logic) ? "{{alert.id}}" : undefined),
  });
}

/**
 * Returns the mustache for how many events (or different values) there were. For a rule in ES|QL, Kibana's own value is the
 * number of rows, so the count is read from the row.
 */
export function countOf(logic: Logic): string {
  return logic.kind === "distinct"
    ? "{{#context.hits}}{{_source.value_count}}{{/context.hits}}"
    : "{{context.value}}";
}

/** Returns from how many events on the rule fires, as text for the alert. */
function thresholdOf(logic: Logic): string {
  if (logic.kind === "event") return ">= 1";
  if (logic.kind !== "together") return `${logic.comparator} ${logic.threshold}`;
  return logic.parts.map(({ comparator, threshold }) => `${comparator} ${threshold}`).join(" and ");
}

/**
 * Returns a detection as a Kibana rule. A rule about single events acts in every run that finds new events. A rule that counts acts
 * once for each entity and window, because the next runs count the same events again. Throws if a detection that watches for
 * silence was not split into one rule for each container.
 */
export function renderRule(detection: Detection, target: RuleTarget): RenderedRule {
  const { logic } = detection;
  if (watchesSilence(detection) && detection.watched === undefined) {
    throw new Error(
      `${detection.name} watches for silence: split it into one rule for each container first (detections/settings.ts)`,
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
      ...(isInQueryDsl(detection) ? [] : ["needs ES|QL: not run by this project's tests"]),
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
