import { setTimeout as pause } from "node:timers/promises";

/** How long to wait. */
export interface PollOptions {
  /** The deadline, in seconds. */
  readonly seconds: number;
  /** The pause between two tries, in milliseconds. Default: 500. */
  readonly pauseMs?: number;
}

/** How long to wait, and for what. */
export interface WaitOptions extends PollOptions {
  /** The thing that is waited for, such as "the alert"; for the error. */
  readonly what: string;
  /** Returns what to add to the error, such as the end of a log. */
  readonly details?: () => string;
}

/** Returns what it finds; undefined or false as long as it finds nothing. */
type Probe<T> = () => T | undefined | false | Promise<T | undefined | false>;

/**
 * Calls `probe` until it returns something other than undefined or false, and returns that. Throws an Error at the
 * deadline. An error of `probe` is thrown at once.
 */
export async function waitFor<T>(options: WaitOptions, probe: Probe<T>): Promise<T> {
  const { what, seconds, details = () => "" } = options;
  const found = await poll(options, probe);
  if (found === undefined) throw new Error(`${what} did not come within ${seconds} seconds${details()}`);
  return found;
}

/** Like `waitFor`, but returns undefined at the deadline. `probe` is called at least once, and once at the deadline. */
export async function poll<T>(
  { seconds, pauseMs = 500 }: PollOptions,
  probe: Probe<T>,
): Promise<T | undefined> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const now = Date.now();
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (now >= deadline) return undefined;
    await pause(Math.min(pauseMs, Math.max(0, deadline - Date.now())));
  }
}
