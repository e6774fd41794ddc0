import type { Detection } from "../../detections/detection";
import { watchesSilence } from "../../detections/detection";
import { forSite } from "../../detections/settings";
import { type Alert, evaluate, type Search, type Trial } from "./evaluate";
import { linesOf, type RawLine } from "./lines";

/** One of a rule's own test cases, with its lines. */
export interface Case {
  readonly rule: string;
  readonly name: string;
  readonly fires: boolean;
  /** The entity that the alert must be about. Default: any. */
  readonly entity?: string;
  readonly lines: readonly RawLine[];
}

/** A case whose lines are in Elasticsearch; `ids` are the ids of their documents. */
export interface IndexedCase extends Case {
  readonly ids: readonly string[];
}

/** The start of every case: just after a rule's run, so that one run sees all events of the same minute. */
const START = Date.parse("2024-03-01T10:00:01Z");

/** Returns the test cases of rules. */
export function casesOf(detections: readonly Detection[]): Case[] {
  return detections.flatMap(({ name: rule, tests }) => {
    const lines = (events: (typeof tests.fire)[number]["events"]) => linesOf(events, tests.from, START);
    return [
      ...tests.fire.map(({ name, entity, events }) => ({
        rule,
        name,
        fires: true,
        entity,
        lines: lines(events),
      })),
      ...tests.pass.map(({ name, events }) => ({ rule, name, fires: false, lines: lines(events) })),
    ];
  });
}

/** Returns what is wrong with the alerts of a case; undefined if they are as expected. */
export function fault({ fires, entity }: Case, alerts: readonly Alert[]): string | undefined {
  const found = alerts.map((alert) => JSON.stringify(alert.entity)).join(" and ");
  if (!fires) return alerts.length === 0 ? undefined : `fired for ${found}`;
  if (alerts.length === 0) return "did not fire";
  if (alerts.length > 1) return `fired ${alerts.length} times, for ${found}`;
  return entity === undefined || alerts[0]?.entity === entity
    ? undefined
    : `fired for ${found} instead of ${JSON.stringify(entity)}`;
}

/**
 * Returns the trials of a detection over lines. A detection that watches for silence has one trial for each container, which
 * begins at the container's first line. Any other detection has one trial.
 */
function trialsOf(detection: Detection, lines: readonly RawLine[], ids?: readonly string[]): Trial[] {
  const timesSince = (first: number) =>
    lines.map((line) => Date.parse(line["@timestamp"])).filter((time) => time >= first);
  if (!watchesSilence(detection) || detection.logic.kind !== "count" || detection.logic.by.length === 0) {
    return [{ detection, ids, times: timesSince(0) }];
  }
  const newestFirst = [...lines].sort((a, b) => Date.parse(b["@timestamp"]) - Date.parse(a["@timestamp"]));
  const first = new Map(newestFirst.map((line) => [line.container, line]));
  return [...first].flatMap(([name, line]) =>
    forSite([detection], [{ name, type: line.type }]).map((watching) => ({
      detection: watching,
      ids,
      times: timesSince(Date.parse(line["@timestamp"])),
    })),
  );
}

/** Returns the alerts of each detection over its lines, in the order of `work`. All searches are sent together. */
export async function evaluateLines(
  work: readonly {
    readonly detection: Detection;
    readonly lines: readonly RawLine[];
    readonly ids?: readonly string[];
  }[],
  search: Search,
): Promise<Alert[][]> {
  const trials = work.map(({ detection, lines, ids }) => trialsOf(detection, lines, ids));
  const alerts = await evaluate(trials.flat(), search);
  let next = 0;
  return trials.map(({ length }) => alerts.slice(next, (next += length)).flat());
}

/** The outcome of one case. `fault` is undefined if the case passed. */
export interface Outcome {
  readonly rule: string;
  readonly case: string;
  readonly fault?: string;
}

/** Runs rules over their own cases, and returns the outcome of each case. */
export async function runCases(
  detections: readonly Detection[],
  cases: readonly IndexedCase[],
  search: Search,
): Promise<Outcome[]> {
  const work = detections.flatMap((detection) =>
    cases.filter(({ rule }) => rule === detection.name).map((one) => ({ detection, one })),
  );
  const alerts = await evaluateLines(
    work.map(({ detection, one }) => ({ detection, lines: one.lines, ids: one.ids })),
    search,
  );
  return work.map(({ one }, index) => ({
    rule: one.rule,
    case: one.name,
    fault: fault(one, alerts[index] ?? []),
  }));
}
