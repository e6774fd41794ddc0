/** `npm run -s parse -- FILE|-`: prints the documents that the real pipeline makes from log lines. */
import { readFileSync } from "node:fs";
import { runCommand } from "./command-line";
import type { RawLine } from "./detections/lines";
import { realElasticsearch } from "./elasticsearch";
import { flat, putPipelines, simulate } from "./elasticsearch/pipelines";
import { finish, type Outcome, succeeded } from "./outcome";
import { filebeatEvents } from "./parse/filebeat";
import { readLogLines } from "./parse/lines";

/** Documents in one request. */
const BATCH = 500;

interface Options {
  readonly container: string;
  readonly type: string;
  readonly journal?: string;
  readonly file?: string;
  readonly table?: boolean;
}

/**
 * Runs the command and returns its outcome.
 * @param print prints each document at once, because there may be many
 */
export async function main(args: readonly string[], print: (text: string) => void): Promise<Outcome> {
  const text = {
    name: "parse",
    description:
      "Shows what the real pipeline makes of lines: a line of JSON for each. A line is as a rule's test events have it, or as it was logged, below a header or with the options (docs/testing.md).",
    examples: [
      ["sources/nginx/samples/access-and-error.log --table", "each line's fields, one below the other"],
      ["line.txt --container dhis --type dhis2 --journal tomcat9", "lines that DHIS2 wrote to the journal"],
    ],
  } as const;
  return runCommand(args, text, (command, action) => {
    command
      .argument("[file]", "the file with the lines; - for standard input", "-")
      .option("--container <name>", "the container that the lines come from", "container")
      .option("--type <type>", "the container's type", "dhis2")
      .option("--journal <identifier>", "the lines are of the journal, with this identifier, such as tomcat9")
      .option("--file <path>", "the lines are of this file in the container")
      .option("--table", "print a document's fields one below the other, instead of JSON")
      .action(
        action(async (input: string, { container, type, journal, file, table }: Options) => {
          if (journal !== undefined && file !== undefined)
            command.error("error: give --journal or --file, not both");
          const from =
            journal === undefined && file === undefined ? undefined : { container, type, journal, file };
          const lines = readLogLines(readFileSync(input === "-" ? 0 : input, "utf8"), from);
          await parseLines(lines, (document) => print(table ? rows(document) : JSON.stringify(document)));
          return succeeded("");
        }),
      );
  });
}

/** Sends lines through the real pipeline, and calls `give` with each document in turn. */
async function parseLines(lines: readonly RawLine[], give: (document: object) => void): Promise<void> {
  const elasticsearch = await realElasticsearch();
  const { entry } = await putPipelines(elasticsearch, "parse");
  for (let at = 0; at < lines.length; at += BATCH) {
    const events = lines.slice(at, at + BATCH).map((line) => filebeatEvents(line)["8.19"]);
    for (const document of await simulate(elasticsearch, entry, events)) give(document);
  }
}

/** Returns a document as two columns, with an empty line below. */
function rows(document: object): string {
  const fields = Object.entries(flat(document));
  const width = Math.max(...fields.map(([name]) => name.length));
  const shown = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${shown(value)}\n`).join("");
}

if (require.main === module) {
  // Without this, Elasticsearch keeps the process alive.
  void finish(main(process.argv.slice(2), (text) => console.log(text))).then(() => process.exit());
}
