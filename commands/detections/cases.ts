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
  /** Whom the alert has to be about, where the case says so. */
  readonly entity?: string;
  readonly lines: readonly RawLine[];
}

/** A case whose lines are in Elasticsearch, as the pipeline made them. */
export interface IndexedCase extends Case {
  readonly ids: readonly string[];
}

/** When cases begin: just after a rule's run, so that what happens within a minute is seen by one run. */
const START = Date.parse("2024-03-01T10:00:01Z");

/** The test cases of rules. */
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

/** What is wrong with the alerts of a case; nothing where all is as it should be. */
export function fault({ fires, entity }: Case, alerts: readonly Alert[]): string | undefined {
  const found = alerts.map((alert) => JSON.stringify(alert.entity)).join(" and ");
  if (!fires) return alerts.length === 0 ? undefined : `fired for ${found}`;
  if (alerts.length === 0) return "did not fire";
  if (alerts.length > 1) return `fired ${alerts.length} times, for ${found}`;
  return entity === undefined || alerts[0]?.entity === entity
    ? undefined
    : `fired for ${found} instead of ${JSON.stringify(entity)}`;
}

/** The trials of a detection over lines: one, or one for each container that it watches, from its first line on. */
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

/** The alerts of each detection over lines, in one go. */
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

/** One case's outcome. */
export interface Outcome {
  readonly rule: string;
  readonly case: string;
  readonly fault?: string;
}

/** Runs rules over their own cases. */
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
