/** `npm run -s graph -- FILE`: every resource that the program declares for a site. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import program = require("..");
import { loadRelayFiles } from "../relay";
import { sha256 } from "../core/json";
import { loadScripts } from "../scripts";
import { runCommand } from "./command-line";
import { failed, finish, type Outcome, succeeded } from "./outcome";
import { collectGraph, type Graph, type GraphResource } from "./graph/mocked-program";

/** The smallest valid config of a stack, for a graph without a host. */
export const EXAMPLE_CONFIG: Readonly<Record<string, string>> = {
  host: "dhis2.example.org",
  user: "siem",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBU9lvjm2+0dHkRGFyF1wq2rUXSMdQ6lgT0WFBZ5HFcC",
};

/**
 * Returns the resources that `index.ts` declares for a site's file. Throws the program's error.
 * @param at the time, in milliseconds since 1970; default: the first day of 2026
 */
export async function siteGraph(
  file: string,
  config: Readonly<Record<string, string>> = {},
  secretKeys: readonly string[] = [],
  at?: number,
): Promise<Graph> {
  return collectGraph(program, { ...EXAMPLE_CONFIG, ...config, site: resolve(file) }, secretKeys, at);
}

/** Returns a graph as sorted text, for reading and for a diff. The text of a script is replaced with its name and hash. */
export function printGraph(graph: Graph): string {
  const named = (name: string, text: string) => {
    const hash = sha256(text).slice(0, 12);
    return [text.trimEnd(), `<<${name} ${hash}>>`] as const;
  };
  const scripts = [
    ...Object.entries(loadScripts()).map(([name, text]) =>
      named(name.startsWith("sources/") ? `${name}.sh` : `scripts/${name}.sh`, text),
    ),
    ...Object.entries(loadRelayFiles()).map(([name, text]) => named(`relay/${name}`, text)),
  ];
  const shorten = (text: string) => scripts.reduce((rest, [from, to]) => rest.replaceAll(from, to), text);
  const blocks = graph.resources.map((resource) => printResource(resource, shorten));
  const outputs = indent(shorten(JSON.stringify(graph.outputs, undefined, 2)));
  return [...blocks, `outputs (secret: ${graph.secretOutputs.join(", ")})\n${outputs}`].join("\n\n") + "\n";
}

function printResource(resource: GraphResource, shorten: (text: string) => string): string {
  const facts: [string, string][] = [
    ["parent", resource.parent],
    ["provider", resource.provider],
    ["depends on", resource.dependsOn.join(", ")],
    ["deleted with", resource.deletedWith],
    ["replaced with", resource.replaceWith.join(", ")],
    ["changes ignored", resource.ignoreChanges.join(", ")],
    ["protected", resource.protect ? "yes" : ""],
    ["deleted before it is replaced", resource.deleteBeforeReplace ? "yes" : ""],
  ];
  const inputs = Object.keys(resource.inputs)
    .sort()
    .map((key) => {
      const mark = resource.secretInputs.includes(key) ? " (secret)" : "";
      return `  ${key}${mark}:${printValue(resource.inputs[key], shorten)}`;
    });
  return [
    `${resource.name}  ${resource.type}`,
    ...facts.filter(([, value]) => value !== "").map(([fact, value]) => `  # ${fact}: ${value}`),
    ...inputs,
  ].join("\n");
}

function printValue(value: unknown, shorten: (text: string) => string): string {
  if (typeof value !== "string") return ` ${JSON.stringify(value)}`;
  const text = shorten(value);
  return text.includes("\n") ? `\n${indent(text.trimEnd(), "    | ")}` : ` ${text}`;
}

function indent(text: string, by = "  "): string {
  return text
    .split("\n")
    .map((line) => (by + line).trimEnd())
    .join("\n");
}

/** Runs the command and returns its output and exit code. */
export async function main(args: readonly string[]): Promise<Outcome> {
  const text = {
    name: "graph",
    description:
      "Prints every resource that index.ts declares for a site's file; needs no host and no stack.",
    examples: [["tests/sites/nginx.json", "the resources for one of the tests' sites"]],
  } as const;
  return runCommand(args, text, (command, action) => {
    command.argument("<file>", "the site's file, containers.json").action(
      action(async (file: string) => {
        if (!existsSync(file)) return failed(`there is no file ${file}`, 2);
        return succeeded(printGraph(await siteGraph(file)));
      }),
    );
  });
}

if (require.main === module) void finish(main(process.argv.slice(2)));
