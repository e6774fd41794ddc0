import type { Options, Site } from "../../../config/site";
import type { Finding } from "../finding";
import type { ProbeResult, Facts } from "../facts";
import type { State } from "../state";

/** The input of a check: the stack as it should be, and the observed facts. */
export interface Context {
  readonly stack: string;
  readonly site: Site;
  readonly options: Options;
  readonly state: State;
  readonly facts: Facts;
}

/** A pure function. It returns its findings, or one finding with severity ok, or none if the check does not apply. */
export type Check = (context: Context) => readonly Finding[];

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

/** Returns the fix that runs all of a container's steps again. */
export function raiseGeneration(container: string): string {
  return `raise the generation of "${container}" in the site's file, then: pulumi up`;
}

/** Returns the command that runs `command` in a container, from the host. */
export function inContainer(options: Options, container: string, command: string): string {
  return `lxc exec ${container} --project ${options.lxdProject} -- ${command}`;
}

/** Returns `wrong`, or one finding with severity ok and this text if `wrong` is empty. */
export function findingsOrOk(
  check: string,
  wrong: readonly Finding[],
  subject: string,
  text: string,
): Finding[] {
  return wrong.length > 0 ? [...wrong] : [{ check, severity: "ok", subject, text }];
}

/** Returns what `look` finds in the answer, or one warning if `server` did not answer. */
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
      text: `cannot be checked: ${server} gave no good answer`,
      fix: `see the finding about ${server} itself`,
    },
  ];
}

/** Returns a duration in words, rounded down, such as "3 minutes" or "2 days". */
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
