/** A suite of tests/lab, and what it needs from its lab and from the order of the suites. */
export interface Suite {
  /** Its file is `tests/lab/NAME.lab.ts`. */
  readonly name: string;
  /** About how long it takes, in minutes. The longest suites begin first. */
  readonly minutes: number;
  /** It needs a lab that was not attacked before, because it expects alerts that a rule raises only once in its window. */
  readonly calm?: true;
  /** It attacks the lab's site, so the lab is not calm afterwards. */
  readonly attacks?: true;
  /** It removes the lab, so it runs when no other suite waits. */
  readonly last?: true;
  /** It runs only if it is named, or with --all, because .ci/run has a time limit. */
  readonly long?: true;
}

/** Every suite of tests/lab. Apart from what is said here, they can run in any order and on any lab that is up. */
export const SUITES: readonly Suite[] = [
  { name: "watch", minutes: 16, calm: true },
  { name: "verify", minutes: 8, calm: true, attacks: true },
  { name: "bad-host", minutes: 5 },
  { name: "changes", minutes: 9 },
  { name: "first", minutes: 4, calm: true, attacks: true },
  { name: "delivery", minutes: 8, attacks: true },
  { name: "agents", minutes: 4 },
  { name: "types", minutes: 6, attacks: true },
  { name: "recovery", minutes: 7, attacks: true },
  { name: "secrets", minutes: 4 },
  { name: "hostile", minutes: 6, attacks: true, long: true },
  { name: "openresty", minutes: 4, attacks: true },
  { name: "evidence", minutes: 4, attacks: true },
  { name: "ports", minutes: 2 },
  { name: "killed", minutes: 2 },
  { name: "begin", minutes: 5, last: true },
  { name: "down", minutes: 1, last: true },
];

/**
 * Returns the suites to run: those whose name contains one of the words; without words all suites, the long ones only with
 * `all`. Throws an Error if a word is in no suite's name.
 */
export function chosen(words: readonly string[], all: boolean): Suite[] {
  const unknown = words.filter((word) => !SUITES.some(({ name }) => name.includes(word)));
  if (unknown.length > 0)
    throw new Error(
      `there is no suite ${unknown.join(", ")}; the suites are ${SUITES.map(({ name }) => name).join(", ")}`,
    );
  return SUITES.filter(({ name, long }) =>
    words.length > 0 ? words.some((word) => name.includes(word)) : all || long !== true,
  );
}

/**
 * Returns the suite that a lab should run next: the longest of those that wait. A calm lab first runs the suites that need a
 * calm lab; other labs run these only if no other suite waits. Suites that remove the lab come last.
 */
export function next(waiting: readonly Suite[], calm: boolean): Suite | undefined {
  const rank = (suite: Suite) => [suite.last ? 1 : 0, (suite.calm ?? false) === calm ? 0 : 1, -suite.minutes];
  return [...waiting].sort((one, other) => {
    const [a, b] = [rank(one), rank(other)];
    const place = a.findIndex((value, index) => value !== b[index]);
    return place < 0 ? 0 : (a[place] ?? 0) - (b[place] ?? 0);
  })[0];
}
