/**
 * `npm run -s site -- FILE`: what the stack would make of a site's file, or everything that is wrong with it.
 * `npm run -s site -- --discover STACK`: entries for what runs on the host and the file lacks.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { IPv4 } from "ipaddr.js";
import { parseSite, parseStack, readSiemSettings, readSiteSettings } from "../config/load";
import { printProblem, type Problem, type Result } from "../core/problem";
import { ROOT } from "../core/root";
import type { Site } from "../config/site";
import { NAMESPACE, readStackFile, type StackFile } from "../config/stack-file";
import type { SshRequest } from "../config/ssh";
import { loadDetections } from "../detections";
import { readSiteDetections } from "../detections/read-site";
import { runCommand } from "./command-line";
import { failed, finish, type Outcome, succeeded } from "./outcome";
import { describeSite } from "./site/describe";
import { discover, type DiscoverOptions, type Discovery, renderProbe, type RunOnHost } from "./site/discover";
import { openHost } from "./site/ssh-runner";
import { pulumiCli, type RunPulumi } from "./verify";

/** Opens the way to a stack's host; the caller closes it. */
export type Connect = (host: SshRequest) => Promise<{ readonly run: RunOnHost; readonly close: () => void }>;

interface Options {
  readonly stack?: string;
  readonly discover?: string;
  readonly identity?: string;
  readonly json?: boolean;
}

/** The whole command but for its process. `folder` has the stacks' files, and their `site` paths start there. */
export async function main(
  args: readonly string[],
  folder = ROOT,
  connect: Connect = openHost,
  pulumi = pulumiCli(folder),
): Promise<Outcome> {
  const text = {
    name: "site",
    description:
      "Shows what the stack would make of a site's file, or everything that is wrong with it; or finds what runs on the host and the file lacks. Exit code: 0 good, 1 something is wrong, 2 wrong usage.",
    examples: [
      ["/path/to/containers.json", "what the stack makes of the file, or what is wrong with it"],
      ["/path/to/containers.json --stack prod", "the same, with what Pulumi.prod.yaml sets"],
      ["--discover prod", "entries for what runs on the host of the stack prod and its file lacks"],
    ],
  } as const;
  return runCommand(args, text, (command, action) => {
    command
      .argument("[file]", "the site's file, containers.json")
      .option("--stack <stack>", "add what Pulumi.STACK.yaml says")
      .option("--json", "print JSON, for machines")
      .option("--discover <stack>", "propose entries for what runs on this stack's host; goes without a file")
      .option(
        "--identity <file>",
        "with --discover: the SSH private key to log in with (default: the config's, else the agent's)",
      )
      .action(
        action((file: string | undefined, { stack, discover, identity, json }: Options) => {
          if (discover !== undefined && file === undefined)
            return discoverOnHost(folder, discover, identity, connect, pulumi);
          if (file === undefined) return command.error("error: give a site's file, or --discover STACK");
          if (discover !== undefined) return command.error("error: --discover STACK goes without a file");
          return show(file, stack === undefined ? undefined : readStack(folder, stack), json);
        }),
      );
  });
}

/** A stack's file by itself, without the engine. */
interface Stack {
  /** Where its relative paths start. */
  readonly folder: string;
  /** Its file as messages name it. */
  readonly label: string;
  readonly file: StackFile;
  readonly checked: ReturnType<typeof parseStack>;
}

function readStack(folder: string, name: string): Stack {
  const label = `Pulumi.${name}.yaml`;
  const file = readStackFile(readText(join(folder, label)));
  const { values, encrypted, lineOf, plainSecrets } = file;
  const isSecret = (key: string) => encrypted.includes(key);
  const checked = parseStack(values, isSecret, label, lineOf, plainSecrets);
  return { folder, label, file, checked };
}

/** What is wrong with a stack's file, but for values that cannot be read here because they are encrypted. */
function stackProblems({ file, checked }: Stack): readonly Problem[] {
  const hidden = file.encrypted.map((key) => NAMESPACE + key);
  return checked.ok ? [] : checked.problems.filter(({ path }) => !hidden.includes(path));
}

function show(file: string, stack: Stack | undefined, json = false): Outcome {
  const values = stack?.file.values ?? {};
  const site = parseSite(file, readText(resolve(file)), readSiteSettings(values));
  const problems = [
    ...(stack ? stackProblems(stack) : []),
    ...(site.ok ? [] : site.problems),
    ...ruleProblems(site, stack),
  ];
  if (!site.ok || problems.length > 0) {
    if (json) return { stdout: `${JSON.stringify({ problems }, undefined, 2)}\n`, stderr: "", code: 1 };
    return failed(problems.map(printProblem).join("\n"), 1);
  }
  const siem = readSiemSettings(values);
  if (json) return succeeded(`${JSON.stringify({ site: site.value, siem }, undefined, 2)}\n`);
  return succeeded(siem ? describeSite(site.value, siem) : "");
}

/** What is wrong with the detection rules: ours, and where the stack is known, the site's own and its settings for them. */
function ruleProblems(site: Result<Site>, stack: Stack | undefined): readonly Problem[] {
  if (!site.ok || !stack?.checked.ok) {
    const own = stack?.file.values.detectionsFolder;
    return loadDetections(stack && own ? resolve(stack.folder, own) : undefined).problems;
  }
  const config = { file: stack.label, lineOf: stack.file.lineOf };
  const rules = readSiteDetections(stack.folder, site.value, stack.checked.value.options, config);
  return rules.ok ? [] : rules.problems;
}

async function discoverOnHost(
  folder: string,
  name: string,
  identity: string | undefined,
  connect: Connect,
  pulumi: RunPulumi,
): Promise<Outcome> {
  const stack = readStack(folder, name);
  if (!stack.checked.ok) return failed(stack.checked.problems.map(printProblem).join("\n"), 1);
  const { options, site: path, dhis2 } = stack.checked.value;
  // What this looks for may be all that the site's file still lacks.
  const site = parseSite(path, readText(resolve(folder, path)), { dhis2, withoutDhis2: true });
  if (!site.ok) return failed(site.problems.map(printProblem).join("\n"), 1);
  const privateKey =
    identity === undefined ? await keyOfConfig(stack, name, pulumi) : readText(resolve(identity));
  const { run, close } = await connect({ ...options.host, privateKey });
  try {
    const { user } = options.host;
    return printDiscovery(
      await discover({ ...discoveryOf(site, user), run, lxdProject: options.lxdProject }),
    );
  } finally {
    close();
  }
}

/** The SSH key that the stack's config keeps encrypted, if it does; Pulumi's CLI and the passphrase open it. */
async function keyOfConfig({ file }: Stack, name: string, pulumi: RunPulumi): Promise<string | undefined> {
  if (!file.encrypted.includes("privateKey")) return undefined;
  return pulumi(["config", "get", "privateKey", "--stack", name]);
}

function discoveryOf(
  site: Result<Site> & { ok: true },
  user: string,
): Omit<DiscoverOptions, "run" | "lxdProject"> {
  const network = IPv4.parseCIDR(site.value.network.cidr);
  return {
    user,
    probe: renderProbe(readText(join(__dirname, "site/probe.sh"))),
    known: site.value.containers.map((container) => container.name),
    inNetwork: (ip) => IPv4.isValid(ip) && IPv4.parse(ip).match(network),
  };
}

/** Entries go to stdout, ready to be pasted; what was thought on the way, to stderr. */
function printDiscovery({ proposals, notes }: Discovery): Outcome {
  const lines = [...proposals.map(({ entry, why }) => `${entry.name}: ${entry.type} (${why})`), ...notes];
  if (lines.length === 0)
    return { stdout: "[]\n", stderr: "the site's file lists all that runs on the host\n", code: 0 };
  const entries = proposals
    .map(({ entry: { name, ip, type } }) => `{ "name": "${name}", "ip": "${ip}", "type": "${type}" }`)
    .join(",\n  ");
  return {
    stdout: entries === "" ? "[]\n" : `[\n  ${entries}\n]\n`,
    stderr: `${lines.join("\n")}\n`,
    code: 0,
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

if (require.main === module) {
  void finish(main(process.argv.slice(2)));
}
