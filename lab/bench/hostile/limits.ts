/** What the hostile benchmark measured, and what it may be at most. */
export interface Figure {
  /** What was measured, in words, with its unit. */
  readonly what: string;
  readonly measured: number;
  readonly limit: number;
}

/** The limits of issue 13. They hold on the lab's machine: two cores, an Elasticsearch with the site's own memory limit. */
export const LIMITS = {
  "searches that Elasticsearch refused": 0,
  "slowest search of a rule, in seconds": 2,
  "largest answer to a search of a rule, in MB": 5,
  "Elasticsearch's heap in use, in percent": 75,
  "four wrong passwords until their alert, in seconds": 120,
  "a line of the trickle until it is searchable, in seconds": 60,
  "memory of a flooded machine's Filebeat, in MB": 200,
  "open files of a flooded machine's Filebeat": 500,
  "starts of Elasticsearch": 0,
} as const;

export type Measure = keyof typeof LIMITS;

/** Returns each measure beside its limit, in the order of `LIMITS`. */
export function figures(measured: Readonly<Record<Measure, number>>): Figure[] {
  return Object.entries(LIMITS).map(([what, limit]) => ({
    what,
    measured: measured[what as Measure],
    limit,
  }));
}

/** Returns the figures that are beyond their limit. What could not be measured (NaN) is beyond it. */
export function beyond(all: readonly Figure[]): Figure[] {
  return all.filter(({ measured, limit }) => !(measured <= limit));
}

/** Returns the figures as a table of Markdown. */
export function table(all: readonly Figure[]): string {
  const rows = all.map(({ what, measured, limit }) => [
    what,
    Number.isInteger(measured) ? String(measured) : measured.toFixed(2),
    String(limit),
    measured <= limit ? "yes" : "NO",
  ]);
  const head = ["what", "measured", "limit", "within"];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
