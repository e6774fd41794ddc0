import { z } from "zod";
import type { ReportProblem } from "../core/problem";
import { exactFieldFault, tagFault, tagsFaults } from "./known";
import { PLACEHOLDER, UNWRITTEN } from "./schema";

/** Words of a note that tell the analyst what to look at, and what to do. */
const LOOK = /\b(look|ask|compare|find out)\b/i;
const ACT =
  /\b(block|bring|change|close|delete|disable|give|keep|lower|remove|report|restart|set back|start|switch|take|update)\b/i;

const text = z.string().optional().catch(undefined);
const origin = z.object({ container: text, type: text, journal: text, file: text });
const cases = z.array(z.object({ name: text, events: z.array(origin).catch([]) })).catch([]);

/** Reads the valid parts of a rule. So the checks here run even if the rule has faults that its schema reports. */
const readable = z
  .object({
    level: text,
    note: text,
    tags: z.array(z.string()).optional().catch(undefined),
    detection: z.record(z.string(), z.unknown()).optional().catch(undefined),
    tests: z
      .object({ from: origin.catch({}), fire: cases, pass: cases })
      .optional()
      .catch(undefined),
  })
  .catch({});
type Readable = z.output<typeof readable>;

/** Reports faults in the conditions of a document: unknown fields, fields that cannot be compared, and unwritten values. */
export function checkConditions(document: unknown, report: ReportProblem): void {
  for (const [name, selection] of Object.entries(readable.parse(document).detection ?? {})) {
    if (name !== "condition") checkSelection(["detection", name], selection, report);
  }
}

function checkSelection(path: readonly PropertyKey[], selection: unknown, report: ReportProblem): void {
  if (Array.isArray(selection)) {
    selection.forEach((one, index) => checkSelection([...path, index], one, report));
  } else if (typeof selection !== "object" || selection === null) {
    report(
      path,
      "must be conditions on fields, such as { user.name: admin }: lines are not searched for words",
    );
  } else {
    for (const [key, value] of Object.entries(selection)) {
      const fault = exactFieldFault(key.split("|")[0] ?? "");
      if (fault !== undefined) report([...path, key], fault);
      if ([value].flat().some((one) => String(one).startsWith(PLACEHOLDER)))
        report([...path, key], UNWRITTEN);
    }
  }
}

/** Reports faults in a detection's tags, note and tests that its schema cannot find. */
export function checkDetection(document: unknown, report: ReportProblem): void {
  const rule = readable.parse(document);
  // A rule for test alerts matches no attack, and the analyst need not do anything.
  if (rule.level !== "informational") {
    checkTags(rule, report);
    checkNote(rule, report);
  }
  checkTests(rule, report);
}

function checkTags({ tags }: Readable, report: ReportProblem): void {
  // The schema reports tags that do not exist.
  if (tags === undefined || tags.some((tag) => tagFault(tag) !== undefined)) return;
  for (const { at, message } of tagsFaults(tags)) report(at === undefined ? ["tags"] : ["tags", at], message);
}

function checkNote({ note }: Readable, report: ReportProblem): void {
  if (note === undefined || note.startsWith(PLACEHOLDER)) return;
  if (!LOOK.test(note)) {
    report(["note"], "must say what to look at, or whom to ask (with look, ask, compare or find out)");
  }
  if (!ACT.test(note)) report(["note"], "must say what to do, such as: disable the account");
}

function checkTests({ tests }: Readable, report: ReportProblem): void {
  if (tests === undefined) return;
  const names = new Set<string>();
  for (const kind of ["fire", "pass"] as const) {
    tests[kind].forEach(({ name, events }, index) => {
      if (name !== undefined && names.has(name))
        report(["tests", kind, index, "name"], "must be a name that no other case of the rule has");
      if (name !== undefined) names.add(name);
      events.forEach((event, at) =>
        checkOrigin(["tests", kind, index, "events", at], tests.from, event, report),
      );
    });
  }
}

type Origin = z.output<typeof origin>;

/** Reports an event whose line has no container, type, or journal or file; each is in the event or in `from`. */
function checkOrigin(path: readonly PropertyKey[], from: Origin, event: Origin, report: ReportProblem): void {
  for (const key of ["container", "type"] as const) {
    if ((event[key] ?? from[key]) === undefined) report(path, `must have a ${key}, here or in tests.from`);
  }
  const { journal, file } = (event.journal ?? event.file) ? event : from;
  if ((journal === undefined) === (file === undefined)) {
    report(path, "must have either journal (the identifier) or file (the path), here or in tests.from");
  }
}
