/**
 * `npm run -s parse -- FILE|- [--container NAME] [--type TYPE] [--journal IDENTIFIER | --file PATH] [--table]`: what the
 * real pipeline makes of lines. One line of JSON for each line; with `--table`, its fields one below the other.
 * A line is as a rule's test events have it, or as it was logged, below a header or with the options (commands/parse/lines.ts).
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { realElasticsearch } from "./elasticsearch";
import { flat, putPipelines, simulate } from "./elasticsearch/pipelines";
import { filebeatEvents } from "./parse/filebeat";
import { readLogLines } from "./parse/lines";

const USAGE =
  "Usage: npm run -s parse -- FILE|- [--container NAME] [--type TYPE] [--journal IDENTIFIER | --file PATH] [--table]";
/** Documents in a call. */
const BATCH = 500;

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      container: { type: "string", default: "container" },
      type: { type: "string", default: "dhis2" },
      journal: { type: "string" },
      file: { type: "string" },
      table: { type: "boolean", default: false },
    },
  });
  const [input = "-", ...more] = positionals;
  const { container, type, journal, file, table } = values;
  if (more.length > 0 || (journal !== undefined && file !== undefined)) throw new Error(USAGE);
  const from = journal === undefined && file === undefined ? undefined : { container, type, journal, file };
  const lines = readLogLines(readFileSync(input === "-" ? 0 : input, "utf8"), from);

  const elasticsearch = await realElasticsearch();
  const { entry } = await putPipelines(elasticsearch, "parse");
  for (let at = 0; at < lines.length; at += BATCH) {
    const events = lines.slice(at, at + BATCH).map((line) => filebeatEvents(line)["8.19"]);
    for (const document of await simulate(elasticsearch, entry, events)) {
      console.log(table ? rows(document) : JSON.stringify(document));
    }
  }
}

/** A document as two columns, with an empty line below. */
function rows(document: object): string {
  const fields = Object.entries(flat(document));
  const width = Math.max(...fields.map(([name]) => name.length));
  const shown = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${shown(value)}\n`).join("");
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
