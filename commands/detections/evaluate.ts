import { type Detection, watchesSilence } from "../../detections/detection";
import { renderRule, windowOf } from "../../render/rule";
import type { Json } from "../../core/json";
import { type Action, advance, type Alert as ActiveAlert, type Match } from "../../kibana/es-query";
import { milliseconds } from "../../core/duration";
import { plan, type Plan } from "./plan";

const MINUTE = 60_000;

/** An alert as `try` prints it. Times are ISO texts. */
export interface Alert {
  readonly rule: string;
  readonly title: string;
  readonly level: string;
  readonly entity: string;
  readonly count: number;
  readonly first: string;
  readonly last: string;
}

/** One detection over some of the index's documents. */
export interface Trial {
  readonly detection: Detection;
  /** The documents' ids. Default: every document of the index. */
  readonly ids?: readonly string[];
  /** When the documents were written, in milliseconds since 1970. */
  readonly times: readonly number[];
}

/** Runs searches, and returns the replies in the same order. */
export type Search = (bodies: readonly Json[]) => Promise<Json[]>;

function windowMilliseconds(detection: Detection): number {
  const { size, unit } = windowOf(detection.logic);
  return milliseconds(`${size}${unit}`);
}

/**
 * Returns the times, in milliseconds since 1970, at which a rule that runs every minute can find something else than a
 * minute before: after each event, and after each event has left the window. A rule that watches for silence runs only from
 * one window after the first event to the last event.
 */
export function ticks(detection: Detection, times: readonly number[]): number[] {
  const length = windowMilliseconds(detection);
  const up = (time: number) => Math.ceil(time / MINUTE) * MINUTE;
  const ends = times.flatMap((time) => [up(time), up(time + length), up(time + length) + MINUTE]);
  const last = up(Math.max(...times));
  const first = watchesSilence(detection) ? Math.min(...times) + length : 0;
  return [...new Set(ends)].filter((time) => first <= time && time <= last).sort((a, b) => a - b);
}

/** The state of a trial while it runs. */
interface Run {
  readonly trial: Trial;
  readonly plan: Plan;
  readonly actions: Action[];
  readonly ticks: number[];
  active: Record<string, ActiveAlert>;
  seenUntil: string | null;
  readonly alerts: Alert[];
}

/** Returns the actions of a detection's rule, with their frequencies. */
export function actionsOf(detection: Detection): Action[] {
  const rendered = renderRule({ ...detection, watched: "any" }, { dataStream: "logs" });
  return rendered.actions.map(({ frequency }, index) => ({
    uuid: String(index),
    frequency: {
      notify_when: frequency.notifyWhen as Action["frequency"]["notify_when"],
      throttle: frequency.throttle ?? null,
    },
  }));
}

/** Returns the value of a document's field as text. Several values are joined with a space; without a value the text is empty. */
function textAt(source: Json, field: string): string {
  let here: unknown = source;
  for (const key of field.split(".")) {
    here = typeof here === "object" && here !== null ? (here as Json)[key] : undefined;
  }
  return [here]
    .flat()
    .filter((value) => typeof value === "string" || typeof value === "number")
    .join(" ");
}

function alertOf({ detection }: Trial, match: Match, now: Date): Alert {
  const sources = match.hits.map(({ _source }) => _source as Json);
  const times = sources.map((source) => String(source["@timestamp"])).sort();
  const entities = sources.map((source) => detection.entity.map((field) => textAt(source, field)).join(","));
  const grouped = detection.logic.kind !== "event" && detection.logic.by.length > 0;
  return {
    rule: detection.name,
    title: detection.title,
    level: detection.severity,
    entity: detection.watched ?? (grouped ? match.id : [...new Set(entities)].sort().join(", ")),
    count: match.value,
    first: times[0] ?? new Date(now.getTime() - windowMilliseconds(detection)).toISOString(),
    last: times.at(-1) ?? now.toISOString(),
  };
}

/**
 * Runs each detection over its documents as Kibana does: every minute, with the same searches and the same throttle. Each
 * line counts as ingested at the time when it was written. Returns the alerts of each trial. All trials run in parallel,
 * so that each call of `search` has the searches of all trials.
 */
export async function evaluate(trials: readonly Trial[], search: Search): Promise<Alert[][]> {
  const runs = trials.map((trial): Run => ({
    trial,
    plan: plan(trial.detection, trial.ids),
    actions: actionsOf(trial.detection),
    ticks: ticks(trial.detection, trial.times),
    active: {},
    seenUntil: null,
    alerts: [],
  }));
  for (let step = 0; ; step += 1) {
    const due = runs.flatMap((run) => {
      const tick = run.ticks[step];
      return tick === undefined ? [] : [{ run, now: new Date(tick) }];
    });
    if (due.length === 0) break;
    const answers = await search(due.map(({ run, now }) => run.plan.body(run.seenUntil, now)));
    due.forEach(({ run, now }, index) => {
      const found = run.plan.found(answers[index] ?? {});
      const { alerts, firings } = advance(run.actions, run.active, found.matches, now, () => "alert");
      run.active = alerts;
      run.seenUntil = found.seenUntil ?? run.seenUntil;
      run.alerts.push(...firings.map(({ match }) => alertOf(run.trial, match, now)));
    });
  }
  return runs.map(({ alerts }) => alerts);
}
