const MILLISECONDS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** Returns the milliseconds of a duration such as "90s", "5m", "1h" or "1d". */
export function milliseconds(duration: string): number {
  return parseInt(duration, 10) * MILLISECONDS[duration.slice(-1) as keyof typeof MILLISECONDS];
}
