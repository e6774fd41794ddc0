/** `npm run -s fields`: writes docs/fields.md, the page of all fields, from their definitions in pipelines/. */
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { format, resolveConfig } from "prettier";
import { alertIndexName, dataStreamName } from "../core/names";
import { ROOT } from "../core/root";
import { type Field, loadFields } from "../pipelines";
import { runCommand } from "./command-line";
import { finish, type Outcome, succeeded } from "./outcome";

/** The path of the page. */
export const PAGE = join(ROOT, "docs/fields.md");

function table(fields: readonly Field[]): string {
  const rows = fields.map(({ name, type, description }) => `| \`${name}\` | ${type} | ${description} |`);
  return ["| field | type | |", "| --- | --- | --- |", ...rows].join("\n");
}

/** Returns the text of docs/fields.md. */
export async function fieldsPage(): Promise<string> {
  const text = `# The fields

Made from \`pipelines/fields.yml\` and \`pipelines/alert-fields.yml\` by \`npm run -s fields\`; do not edit.

A rule, a dashboard or a search can use these. Types: \`flattened\` is an object of texts that is searched by its paths
(\`dhis2.audit.data.name: x\`); \`stored\` and \`kept\` are there to be read and cannot be searched. A keyword that is too
long is cut (at 1000 characters, unless its definition says more); \`event.original\` has the line whole.

## Lines (\`${dataStreamName("*")}\`)

${table(loadFields("logs"))}

## Alerts (\`${alertIndexName("*")}\`)

${table(loadFields("alerts"))}
`;
  return format(text, { ...(await resolveConfig(PAGE)), parser: "markdown" });
}

/** Runs the command, which writes the page, and returns its output and exit code. */
export async function main(args: readonly string[]): Promise<Outcome> {
  const text = {
    name: "fields",
    description: "Writes docs/fields.md, the page of all fields, from their definitions in pipelines/.",
    examples: [["", "write the page"]],
  } as const;
  return runCommand(args, text, (command, action) => {
    command.action(
      action(async () => {
        writeFileSync(PAGE, await fieldsPage());
        return succeeded(`${relative(ROOT, PAGE)} is written\n`);
      }),
    );
  });
}

if (require.main === module) void finish(main(process.argv.slice(2)));
