/** When API keys are renewed. */

/** How long an API key of the stack is valid, in Elasticsearch's notation. */
export const KEY_LIFETIME = "400d";

/** A new period begins every 200 days: the first update in it renews the keys, which then have at least 200 days left. */
const PERIOD_DAYS = 200;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Returns the number of the period that a time is in. It is the only thing in the graph that depends on the time, so a preview
 * without other changes is empty until a period ends.
 * @param now in milliseconds since 1970
 */
export function keyPeriodAt(now: number): number {
  return Math.floor(now / DAY_MS / PERIOD_DAYS);
}
