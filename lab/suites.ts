/** A suite of tests/lab, and how it may be put beside and after others. */
export interface Suite {
  /** Its file is `tests/lab/NAME.lab.ts`. */
  readonly name: string;
  /** About how long it takes, in minutes: the longest begin first. */
  readonly minutes: number;
  /** It expects alerts that a rule gives once in its window, so nobody may have attacked the lab or changed anything in its DHIS2. */
  readonly calm?: true;
  /** It attacks the lab's site: the lab is not calm after it. */
  readonly attacks?: true;
  /** It takes the lab away, and so comes when no other waits. */
  readonly last?: true;
  /** It runs only where it is named, or with --all: .ci/run has a limit of time. */
  readonly long?: true;
}

/** Every suite of tests/lab. They can run in any order and on any lab that is up, but for what is said here. */
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
  { name: "hostile", minutes: 6, attacks: true },
  { name: "openresty", minutes: 4, attacks: true },
  { name: "ports", minutes: 2 },
  { name: "killed", minutes: 2 },
  { name: "begin", minutes: 5, last: true },
  { name: "down", minutes: 1, last: true },
];

/**
 * The suites to run: those whose name holds one of the words; without words all, but the long ones only with `all`.
 * Throws an Error where a word is in no suite's name.
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
 * The suite that a lab should take next, of those that wait: the longest. A calm lab takes first what needs one; any other
 * lab takes that when nothing else waits. What takes the lab away comes last.
 */
export function next(waiting: readonly Suite[], calm: boolean): Suite | undefined {
  const rank = (suite: Suite) => [suite.last ? 1 : 0, (suite.calm ?? false) === calm ? 0 : 1, -suite.minutes];
  return [...waiting].sort((one, other) => {
    const [a, b] = [rank(one), rank(other)];
    const place = a.findIndex((value, index) => value !== b[index]);
    return place < 0 ? 0 : (a[place] ?? 0) - (b[place] ?? 0);
  })[0];
}
