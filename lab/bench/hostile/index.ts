/**
 * `npm run bench:hostile [-- --short] [--json]`: floods the lab's site as strangers and neighbours could, and measures
 * whether the SIEM still sees. Prints each figure beside its limit, and fails where one is beyond it.
 */
import { labOutputs, type LabOutputs } from "../../outputs";
import { up } from "../../up";
import { poll } from "../../../core/wait";
import type { Progress } from "../measure";
import { type Figure, figures, LIMITS, type Measure, table, beyond } from "./limits";
import * as floods from "./floods";
import * as probes from "./probes";

/** The container that is flooded from inside, and the one beside it. */
const FLOODED = "dhis";
const BESIDE = "postgres";

/** Calls `look` again and again until `work` has ended, and then for some seconds more. */
async function during(
  work: Promise<unknown>,
  secondsAfter: number,
  look: () => Promise<unknown>,
): Promise<void> {
  let end = Infinity;
  const ended = work.finally(() => {
    end = Date.now() + secondsAfter * 1000;
  });
  await poll({ seconds: 1200, pauseMs: 1000 }, async () => {
    await look();
    return Date.now() > end;
  });
  await ended;
}

/** Floods a lab that is up, and returns each measure beside its limit. Takes about six minutes, or three in the short form. */
export async function floodLab(
  outputs: LabOutputs,
  size: floods.Size,
  progress: Progress,
): Promise<Figure[]> {
  const worst = new probes.Worst();
  const before = await probes.elasticsearchProcess();
  const rules = await probes.runningRules(outputs);
  const look = async () => {
    await probes.searchAsRules(outputs.superuser, rules, worst);
    await probes.watchHeap(outputs.superuser, worst);
    for (const container of [FLOODED, "proxy"]) await probes.watchFilebeat(container, worst);
  };
  const seeTrickle = async () =>
    worst.see(
      "a line of the trickle until it is searchable, in seconds",
      await probes.trickle(BESIDE, outputs),
    );
  const seePasswords = async (user: string) =>
    worst.see(
      "four wrong passwords until their alert, in seconds",
      await probes.wrongPasswords(outputs, user),
    );

  progress(`${size.addresses} addresses, ${size.requestsEach} requests of 45 kB each, within a minute`);
  // The first password is tried in the middle of it.
  const requests = Promise.all([floods.floodOfRequests(size), seePasswords("nurse2"), seeTrickle()]);
  await during(requests, 90, look);

  progress(
    `${size.lines} lines from ${FLOODED}, ${size.files} files there, a user name of ${size.nameBytes} bytes`,
  );
  try {
    const inside = Promise.all([
      floods.floodOfLines(FLOODED, size).then(seeTrickle),
      floods.floodOfFiles(FLOODED, size),
      floods.longUserName(FLOODED, size),
      seePasswords("nurse3"),
      seeTrickle(),
    ]);
    await during(inside, 60, look);
  } finally {
    await floods.removeFiles(FLOODED, size);
  }
  worst.see("starts of Elasticsearch", (await probes.elasticsearchProcess()) === before ? 0 : 1);
  const measured = Object.fromEntries(
    Object.keys(LIMITS).map((what) => [what, worst.peaks[what as Measure] ?? NaN]),
  ) as Record<Measure, number>;
  return figures(measured);
}

/** Brings the lab up, floods it and prints the table; with `--json` the figures. Returns whether all are within their limits. */
export async function benchHostile(args: readonly string[]): Promise<boolean> {
  const size = args.includes("--short") ? floods.SHORT : floods.FULL;
  const progress = (line: string) => console.error(`measuring: ${line} ...`);
  await up();
  const all = await floodLab(await labOutputs(), size, progress);
  console.log(args.includes("--json") ? JSON.stringify(all, undefined, 2) : table(all));
  return beyond(all).length === 0;
}
