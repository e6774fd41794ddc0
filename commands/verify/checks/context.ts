import type { Options, Site } from "../../../config/site";
import type { Finding } from "../finding";
import type { ProbeResult, Facts } from "../facts";
import type { State } from "../state";

/** What a check looks at: what should be, and what is. */
export interface Context {
  readonly stack: string;
  readonly site: Site;
  readonly options: Options;
  readonly state: State;
  readonly facts: Facts;
}

/** Pure: facts in, findings out; where nothing is wrong, one that says so. None where the check does not apply. */
export type Check = (context: Context) => readonly Finding[];

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

/** Raising an entry's generation runs everything for its container again. */
export function raiseGeneration(container: string): string {
  return `raise the generation of "${container}" in the site's file, then: pulumi up`;
}

/** A command in a container, from the host. */
export function inContainer(options: Options, container: string, command: string): string {
  return `lxc exec ${container} --project ${options.lxdProject} -- ${command}`;
}

/** Findings of a check by what it found wrong; with nothing wrong, that all is well. */
export function findingsOrOk(
  check: string,
  wrong: readonly Finding[],
  subject: string,
  text: string,
): Finding[] {
  return wrong.length > 0 ? [...wrong] : [{ check, severity: "ok", subject, text }];
}

/** A finding for something that gave no answer, so that nothing can be told; else what `look` makes of the answer. */
export function ifAnswered<T>(
  check: string,
  server: string,
  answer: ProbeResult<T>,
  look: (value: T) => readonly Finding[],
): readonly Finding[] {
  if (answer.ok) return look(answer.value);
  return [
    {
      check,
      severity: "warning",
      subject: server,
      text: `cannot be told: ${server} gave no good answer`,
      fix: `see what is said of ${server} itself`,
    },
  ];
}

/** A time span in words, rounded down: "3 minutes", "2 days". */
export function formatDuration(milliseconds: number): string {
  const units: [string, number][] = [
    ["day", DAY],
    ["hour", 60 * MINUTE],
    ["minute", MINUTE],
  ];
  for (const [word, size] of units) {
    const count = Math.floor(milliseconds / size);
    if (count >= 1) return `${count} ${word}${count === 1 ? "" : "s"}`;
  }
  return "less than a minute";
}
