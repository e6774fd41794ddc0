/** `npm run -s verify -- STACK`: looks, changes nothing, and says whether the site is watched. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { execa } from "execa";
import { parseSite, parseStack } from "../config/load";
import { printProblem } from "../core/problem";
import { ROOT } from "../core/root";
import { NAMESPACE } from "../config/stack-file";
import type { SshRequest } from "../config/ssh";
import { serverName } from "../connection/ssh";
import { runCommand } from "./command-line";
import { finish, type Outcome } from "./outcome";
import { openHost } from "./site/ssh-runner";
import { canary } from "./verify/canary";
import { check } from "./verify/checks";
import { exitCode, type Finding } from "./verify/finding";
import { gather, type Known, type Ways } from "./verify/gather";
import { table } from "./verify/print";
import { direct, through } from "./verify/servers";
import { readState } from "./verify/state";

/** Runs Pulumi's CLI and gives its stdout. */
export type Pulumi = (args: readonly string[]) => Promise<string>;

/** Opens the ways to a site; the caller closes them. */
export type Connect = (
  request: SshRequest,
  access: "forward" | "direct",
) => Promise<Ways & { readonly close: () => void }>;

/** Opens them over SSH, with a pinned host key. */
export const connectBySsh: Connect = async (request, access) => {
  const { client, ...session } = await openHost(request);
  const open = access === "direct" ? direct : through(client, serverName("host", request));
  return { ...session, open };
};

/** The CLI on the PATH, in the stack's folder. `env` is added to this process's. */
export function pulumiCli(folder: string, env: Readonly<Record<string, string | undefined>> = {}): Pulumi {
  return async (args) => {
    const { stdout, stderr, exitCode, code } = await execa("pulumi", [...args, "--non-interactive"], {
      cwd: folder,
      env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      reject: false,
    });
    if (code === "ENOENT") throw new Error("there is no pulumi command on this machine's PATH");
    if (exitCode !== 0) throw new Error(`pulumi ${args[0]}: ${stderr.trim().split("\n").at(-1)}`);
    return stdout;
  };
}

/** What the stack's config, its site's file and its state say, and the SSH login. Throws with every problem of the input. */
export async function readKnown(
  stack: string,
  pulumi: Pulumi,
  identity?: string,
): Promise<Known & { readonly ssh: SshRequest }> {
  const json = await pulumi(["config", "--show-secrets", "--json", "--stack", stack]);
  const config = Object.entries(JSON.parse(json) as Record<string, { value?: string; secret?: boolean }>)
    .filter(([key]) => key.startsWith(NAMESPACE))
    .map(([key, { value = "", secret = false }]) => [key.slice(NAMESPACE.length), value, secret] as const);
  const secret = new Set(config.filter(([, , isSecret]) => isSecret).map(([key]) => key));
  const values = Object.fromEntries(config.map(([key, value]) => [key, value]));
  const checked = parseStack(values, (key) => secret.has(key), `Pulumi.${stack}.yaml`);
  if (!checked.ok) throw new Error(checked.problems.map(printProblem).join("\n"));
  const { options, site: file, privateKey, dhis2, withoutDhis2 } = checked.value;
  const site = parseSite(file, readFileSync(resolve(ROOT, file), "utf8"), { dhis2, withoutDhis2 });
  if (!site.ok) throw new Error(site.problems.map(printProblem).join("\n"));
  const state = readState(await pulumi(["stack", "export", "--show-secrets", "--stack", stack]));
  const key = identity === undefined ? privateKey : readFileSync(resolve(identity), "utf8");
  return { site: site.value, options, state, ssh: { ...options.host, privateKey: key } };
}

/** What a run may be given in place of the real thing, and where progress is shown. */
export interface Verification {
  readonly pulumi: Pulumi;
  readonly canary?: boolean;
  /** Whether progress is shown on the terminal. */
  readonly progress?: boolean;
  readonly identity?: string;
  readonly connect?: Connect;
}

/** Looks at a stack's site and gives all that can be said of it. Throws where it cannot be looked at. */
export async function verify(stack: string, options: Verification): Promise<Finding[]> {
  const { ssh, ...known } = await readKnown(stack, options.pulumi, options.identity);
  const { close, ...ways } = await (options.connect ?? connectBySsh)(ssh, known.options.access);
  try {
    const findings = check({ stack, ...known, facts: await gather(ways, known) });
    return options.canary ? [...findings, ...(await canary(ways, known, options))] : findings;
  } finally {
    close();
  }
}

interface Options {
  readonly canary?: boolean;
  readonly json?: boolean;
  readonly identity?: string;
  readonly cwd: string;
}

/**
 * The whole command but for its process: what it prints, and its exit code: 0 watched, 1 warnings, 2 problems, 3 could not
 * look. So a usage mistake is 3 here, as 2 is a problem of the site.
 */
export async function main(
  args: readonly string[],
  colours: boolean,
  replaced: Partial<Verification> = {},
): Promise<Outcome> {
  const text = {
    name: "verify",
    description:
      "Looks whether the site is watched, and changes nothing. Exit code: 0 watched, 1 warnings, 2 problems, 3 could not look.",
    examples: [
      ["prod", "look at the stack prod"],
      ["prod --canary", "also write a marked line in each container and follow it, and one through a rule"],
    ],
    usageCode: 3,
    errorCode: 3,
  } as const;
  return runCommand(args, text, (command, action) => {
    command
      .argument("<stack>", "the Pulumi stack, such as prod")
      .option("--canary", "also send a marked line from each container, and one through a rule")
      .option("--json", "print JSON, for machines")
      .option(
        "--identity <file>",
        "the SSH private key to log in with (default: the config's, else the agent's)",
      )
      .option("--cwd <folder>", "the folder of the stack's Pulumi.yaml", ROOT)
      .action(
        action(async (stack: string, { canary, identity, json, cwd }: Options) => {
          const pulumi = pulumiCli(resolve(cwd));
          const findings = await verify(stack, { pulumi, canary, identity, progress: !json, ...replaced });
          const code = exitCode(findings);
          const stdout = json
            ? `${JSON.stringify({ stack, code, findings }, undefined, 2)}\n`
            : table(findings, colours);
          return { stdout, stderr: "", code };
        }),
      );
  });
}

if (require.main === module) {
  const colours = process.stdout.isTTY && !process.env.NO_COLOR;
  void finish(main(process.argv.slice(2), colours));
}
