import { errorText } from "../../core/errors";
import { rawLine, type RawLine } from "../detections/lines";

/** What a header states about the lines below it. */
type Source = Omit<RawLine, "@timestamp" | "message">;

const TIME = "2024-03-01T10:11:12.000Z";

/**
 * Returns the log lines of a text. A row is either a JSON object with `@timestamp`, `container`, `type`, `message`, and
 * `journal` or `file`; or only the text that was logged. In the second case a header above the row states where:
 *
 *     #! container=dhis type=dhis2 journal=tomcat9
 *
 * A header can also have `executable=/usr/bin/sudo uid=1000`: what journald recorded of the process that wrote the line.
 *
 * A row `= "..."` is a JSON text, for a line that contains control characters. Empty rows and rows that begin with `# ` are
 * skipped. Throws one Error with every fault and its row.
 * @param from the source of rows that have no header above them
 */
export function readLogLines(text: string, from?: Source): RawLine[] {
  let source = from;
  const faults: string[] = [];
  const lines = text.split("\n").flatMap((row, index): RawLine[] => {
    try {
      if (row.trim() === "" || row.startsWith("# ")) return [];
      if (row.startsWith("#! ")) {
        source = header(row.slice(3));
        return [];
      }
      if (row.startsWith('{"@timestamp"')) return [rawLine.parse(JSON.parse(row))];
      if (source === undefined) {
        throw new Error(
          'where is it from? Begin with a row such as "#! container=dhis type=dhis2 journal=tomcat9"',
        );
      }
      const message = row.startsWith('= "') ? String(JSON.parse(row.slice(2))) : row;
      return [{ "@timestamp": TIME, ...source, message }];
    } catch (error) {
      faults.push(`row ${index + 1}: ${errorText(error)}`);
      return [];
    }
  });
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return lines;
}

function header(text: string): Source {
  const pairs = text
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split("=", 2));
  const { container, type, journal, file, executable, uid } = rawLine.parse({
    "@timestamp": TIME,
    message: "",
    ...(Object.fromEntries(pairs) as object),
  });
  return { container, type, ...(journal === undefined ? { file } : { journal, executable, uid }) };
}
