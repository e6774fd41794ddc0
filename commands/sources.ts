/** `npm run -s sources -- list | docs | new NAME`: the programs whose logs are read, and the machines that have them. */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { format, resolveConfig } from "prettier";
import { ROOT } from "../core/root";
import { MACHINE_TYPES, machineType, SOURCES, sourcesOf } from "../machines";
import type { Source } from "../sources/source";
import { runCommand } from "./command-line";
import { failed, finish, type Outcome, succeeded } from "./outcome";

const TEMPLATE = "template";
const FOLDER = join(ROOT, "sources");

/** Where the page of all sources and machine types is. */
export const PAGE = join(ROOT, "docs/sources.md");

const code = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(" ");

/** How a source's lines are told from others, as Markdown. */
function marksOf({ lines }: Source): string {
  const { identifiers = {}, prefixes = [], paths = [], onItsMachine } = lines;
  const beginnings = prefixes.map((prefix) => `${prefix}*`);
  const parts = [
    code([...Object.keys(identifiers), ...beginnings].sort()),
    paths.length > 0 ? `files under ${code(paths)}` : "",
    onItsMachine ? `on its machine: identifiers and units with ${code(onItsMachine.words)}, other files` : "",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function sourceRows(): string[] {
  return SOURCES.map((source) => {
    const { name, title, datasets, files = [], logging, pipeline = name } = source;
    const proven = Object.values(source.lines.identifiers ?? {}).some(
      ({ programs }) => programs !== undefined,
    );
    const cells = [
      `[${name}](../sources/${name})`,
      title,
      marksOf(source),
      proven ? "by journald" : "",
      code(files),
      logging === undefined ? "" : "yes",
      pipeline,
      code(datasets),
    ];
    return `| ${cells.join(" | ")} |`;
  });
}

function machineRows(): string[] {
  return MACHINE_TYPES.map((type) => {
    const { title, proxy = "", role } = machineType(type);
    const agent = role === undefined ? sourcesOf(type).map(({ name }) => name) : [];
    return `| \`${type}\` | ${title} | ${agent.length > 0 ? agent.join(", ") : "no agent"} | ${proxy} |`;
  });
}

/** The text of docs/sources.md. */
export async function sourcesPage(): Promise<string> {
  const text = `# Machine types and sources

Made from \`machines/\` and \`sources/\` by \`npm run -s sources -- docs\`; do not edit. [How to add one](add-a-source.md).

## Machine types

A site file gives each machine a type. The agent of a machine reads the logs of the type's sources.

| type | what it is | sources | as \`proxy\` |
| --- | --- | --- | --- |
${machineRows().join("\n")}

## Sources

A source is a program whose log is read. A line belongs to a source by its journal identifier, or by the path of its file.

| source | program | journal identifiers and files | identity proven | files that the agent reads | sets up its logging | pipeline | datasets |
| --- | --- | --- | --- | --- | --- | --- | --- |
${sourceRows().join("\n")}
`;
  return format(text, { ...(await resolveConfig(PAGE)), parser: "markdown" });
}

/** The sources as a table of text. */
function listText(): string {
  const rows = [
    ["source", "machine types", "datasets"],
    ...SOURCES.map((source) => [
      source.name,
      MACHINE_TYPES.filter((type) => sourcesOf(type).includes(source)).join(", "),
      source.datasets.join(", "),
    ]),
  ];
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(width(column)))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function list(json: boolean): Outcome {
  if (!json) return succeeded(listText());
  const sources = SOURCES.map(({ name, title, service, datasets, files = [] }) => ({
    ...{ name, title, service, datasets, files },
    machines: MACHINE_TYPES.filter((type) => sourcesOf(type).some((source) => source.name === name)),
  }));
  return succeeded(`${JSON.stringify(sources)}\n`);
}

/** Copies the template to a folder of this name, with the name in its place. Returns what is left to do. */
export function newSource(name: string, folder = FOLDER): Outcome {
  const target = join(folder, name);
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    const text = `NAME must be small letters, digits and hyphens, a letter first, such as "haproxy"; it is "${name}"`;
    return failed(new Error(text), 2);
  }
  if (existsSync(target)) return failed(new Error(`${relative(ROOT, target)} is there already`), 1);
  cpSync(join(FOLDER, TEMPLATE), target, { recursive: true });
  const constant = name.replace(/-+(.)?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? "");
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, "utf8")
      .replaceAll(`const ${TEMPLATE}:`, `const ${constant}:`)
      .replaceAll(/(?<=\b|_)template(?=_(logging|location))/g, name.replaceAll("-", "_"))
      .replaceAll("TEMPLATE_CONF", `${name.replaceAll("-", "_").toUpperCase()}_CONF`)
      .replaceAll("Template", name)
      .replaceAll(TEMPLATE, name);
    writeFileSync(path, text);
    if (entry.name.includes(TEMPLATE)) {
      renameSync(path, join(entry.parentPath, entry.name.replaceAll(TEMPLATE, name)));
    }
  }
  return succeeded(`${relative(ROOT, target)} is there. Now fill it in, and give it to a machine type:

  machines/index.ts:
    import { ${constant} } from "../sources/${name}";
    ...
    ${constant.toLowerCase()}: {
      title: "...",
      sources: [${constant}],
      found: { by: /^${name}-server$/ },
    },

Then: UPDATE=1 npm test -- pairs, and docs/add-a-source.md says what else.
`);
}

/** The whole command but for its process. */
export function main(args: readonly string[]): Promise<Outcome> {
  const text = {
    name: "sources",
    description:
      "Lists the programs whose logs are read and the machine types that have them, writes their page, or starts a new one.",
    examples: [
      ["list", "a table; --json for a program"],
      ["docs", "write docs/sources.md"],
      ["new haproxy", "copy the template to sources/haproxy"],
    ],
  } as const;
  return runCommand(args, text, (command, action) => {
    command
      .command("list")
      .description("print the sources")
      .option("--json", "print them as JSON")
      .action(action(({ json = false }: { json?: boolean }) => list(json)));
    command
      .command("docs")
      .description("write docs/sources.md")
      .action(
        action(async () => {
          writeFileSync(PAGE, await sourcesPage());
          return succeeded(`${relative(ROOT, PAGE)} is written\n`);
        }),
      );
    command
      .command("new")
      .description("copy the template to a new folder")
      .argument("<name>", "the program's name, such as haproxy")
      .action(action((name: string) => newSource(name)));
  });
}

if (require.main === module) void finish(main(process.argv.slice(2)));
