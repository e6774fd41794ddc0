import { z } from "zod";
import { errorText } from "../../core/errors";
import { milliseconds } from "../../core/duration";
import type { DetectionTests, TestEvent } from "../../detections/schema";

/** A line as it was written in a container, before any agent or pipeline saw it. */
export const rawLine = z
  .strictObject({
    "@timestamp": z.iso.datetime({ offset: true }),
    container: z.string().min(1),
    type: z.string().min(1),
    journal: z.string().min(1).optional(),
    file: z.string().min(1).optional(),
    message: z.string(),
    /** The process that wrote the line, as journald recorded it. Only some lines have it. */
    executable: z.string().min(1).optional(),
    uid: z.coerce.number().int().optional(),
    /** Whether the line arrived so late that rules ignore it (pipelines/lateness.ts). */
    late: z.boolean().optional(),
  })
  .refine(({ journal, file }) => (journal === undefined) !== (file === undefined), {
    error: "takes either journal (the identifier) or file (the path)",
  });
export type RawLine = z.output<typeof rawLine>;

/** Returns the lines of an NDJSON text. Throws one Error with every fault and its line, or if there is no event. */
export function readLines(text: string): RawLine[] {
  const faults: string[] = [];
  const lines = text.split("\n").flatMap((row, index) => {
    if (row.trim() === "") return [];
    try {
      const result = rawLine.safeParse(JSON.parse(row));
      if (result.success) return [result.data];
      faults.push(
        ...result.error.issues.map(({ path, message }) => `line ${index + 1}: ${path.join(".")} ${message}`),
      );
    } catch (error) {
      faults.push(`line ${index + 1}: ${errorText(error)}`);
    }
    return [];
  });
  if (faults.length > 0) throw new Error(faults.join("\n"));
  if (lines.length === 0) throw new Error("there is no event in it");
  return lines;
}

/** Returns a time in the format of a web server, such as "01/Mar/2024:10:11:12 +0000". */
function webTime(time: Date): string {
  const [, day, month, year, clock] = time.toUTCString().split(" ");
  return `${day}/${month}/${year}:${clock} +0000`;
}

/**
 * Returns the lines of a rule's test case, in the order of their times. `{time}` in a message is replaced by the line's
 * time, because the pipelines take the time of a web server's line from its text.
 * @param start the start of the case, in milliseconds since 1970
 */
export function linesOf(
  events: readonly TestEvent[],
  from: DetectionTests["from"],
  start: number,
): RawLine[] {
  return events
    .flatMap(({ at, times, every, late, journal, file, message, container, type }) => {
      const origin =
        journal === undefined && file === undefined
          ? { journal: from.journal, file: from.file }
          : { journal, file };
      return Array.from({ length: times }, (_, index): RawLine => {
        const time = new Date(start + milliseconds(at) + index * milliseconds(every));
        return {
          "@timestamp": time.toISOString(),
          container: container ?? from.container ?? "",
          type: type ?? from.type ?? "",
          ...origin,
          ...(late && { late }),
          message: message.replace("{time}", webTime(time)),
        };
      });
    })
    .sort((a, b) => Date.parse(a["@timestamp"]) - Date.parse(b["@timestamp"]));
}
