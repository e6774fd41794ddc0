/** `npm run -s verify -- STACK`: checks whether the site is watched, and changes nothing. */
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
import { runCanary } from "./verify/canary";
import { runChecks } from "./verify/checks";
import { exitCode, type Finding } from "./verify/finding";
import { gatherFacts, type DeployedStack, type HostConnection } from "./verify/gather-facts";
import { formatFindings } from "./verify/print";
import { connectDirectly, connectThroughSsh } from "./verify/send-to-server";
import { readState } from "./verify/state";

/** Runs Pulumi's CLI with these arguments and returns its stdout. Throws if it fails. */
export type RunPulumi = (args: readonly string[]) => Promise<string>;

/** Opens the connection to a site's host; the caller closes it. */
export type ConnectToHost = (
  request: SshRequest,
  access: "forward" | "direct",
) => Promise<HostConnection & { readonly close: () => void }>;

/** Opens the connection over SSH, with a pinned host key. */
export const connectBySsh: ConnectToHost = async (request, access) => {
  const { client, ...session } = await openHost(request);
  const open = access === "direct" ? connectDirectly : connectThroughSsh(client, serverName("host", request));
  return { ...session, openConnection: open };
};

/** Returns a function that runs the `pulumi` of the PATH in `folder`, with `env` added to this process's environment. */
export function pulumiCli(folder: string, env: Readonly<Record<string, string | undefined>> = {}): RunPulumi {
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

/**
 * Returns the stack as its config, its site's file and its state describe it, and the SSH login. Throws one Error with every
 * problem of the config or the file.
 * @param identity the file of the private key to log in with; default: the config's `privateKey`, else the SSH agent's keys
 */
export async function readDeployedStack(
  stack: string,
  pulumi: RunPulumi,
  identity?: string,
): Promise<DeployedStack & { readonly ssh: SshRequest }> {
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

/** The options of a verification. Tests replace `pulumi` and `connect`. */
export interface VerifyOptions {
  readonly pulumi: RunPulumi;
  /** Whether marked lines are written and followed. Default: no, then nothing is changed. */
  readonly canary?: boolean;
  /** Whether progress is shown on the terminal. Default: no. */
  readonly progress?: boolean;
  /** The file of the private key to log in with. Default: the config's `privateKey`, else the SSH agent's keys. */
  readonly identity?: string;
  /** Default: `connectBySsh`. */
  readonly connect?: ConnectToHost;
}

/** Checks a stack's site and returns the findings of every check. Throws if the stack or the host cannot be read. */
export async function verify(stack: string, options: VerifyOptions): Promise<Finding[]> {
  const { ssh, ...deployed } = await readDeployedStack(stack, options.pulumi, options.identity);
  const { close, ...connection } = await (options.connect ?? connectBySsh)(ssh, deployed.options.access);
  try {
    const findings = runChecks({ stack, ...deployed, facts: await gatherFacts(connection, deployed) });
    return options.canary ? [...findings, ...(await runCanary(connection, deployed, options))] : findings;
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
 * Runs the command and returns its output and exit code: 0 watched, 1 warnings, 2 problems, 3 could not look. A usage
 * mistake is 3 here, because 2 is a problem of the site.
 */
export async function main(
  args: readonly string[],
  colours: boolean,
  replaced: Partial<VerifyOptions> = {},
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
            : formatFindings(findings, colours);
          return { stdout, stderr: "", code };
        }),
      );
  });
}

if (require.main === module) {
  const colours = process.stdout.isTTY && !process.env.NO_COLOR;
  void finish(main(process.argv.slice(2), colours));
}
