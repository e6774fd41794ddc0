import { setTimeout as pause } from "node:timers/promises";

export interface WaitOptions {
  /** What is waited for, for the error's text: "the alert". */
  readonly what: string;
  /** The deadline, in seconds. */
  readonly seconds: number;
  /** The pause between two tries, in milliseconds. Default: 500. */
  readonly pauseMs?: number;
  /** What to add to the error's text, such as the end of a log. */
  readonly details?: () => string;
}

/** Calls `probe` until it returns something other than undefined, and returns that. Throws an Error at the deadline. */
export async function waitFor<T>(
  options: WaitOptions,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const { what, seconds, pauseMs = 500, details = () => "" } = options;
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${seconds} seconds${details()}`);
    await pause(pauseMs);
  }
}
