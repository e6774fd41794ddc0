/** The command line of every command of `npm run`: arguments, `--help`, usage mistakes, exit codes. */
import { Command, CommanderError } from "commander";
import { failed, type Outcome } from "./outcome";

export interface CommandText {
  /** The script in package.json: "verify" for `npm run -s verify`. */
  readonly name: string;
  /** What the command does, in a sentence or two, and what its exit codes mean. */
  readonly description: string;
  /** Arguments of calls that work, each with what it does: `["prod --canary", "also send a marked line"]`. */
  readonly examples: readonly (readonly [args: string, does: string])[];
  /** The exit code of a usage mistake. Default: 2. */
  readonly usageCode?: number;
  /** The exit code if the command's work throws. Default: 1. */
  readonly errorCode?: number;
}

/** Turns `work` into a commander action. The outcome that `work` returns is the command's. */
export type Action = <Args extends unknown[]>(
  work: (...args: Args) => Outcome | Promise<Outcome>,
) => (...args: Args) => Promise<void>;

/**
 * Runs a command with these arguments and returns its outcome; throws nothing. `define` adds arguments, options,
 * subcommands and actions to it. `--help` is answered on stdout with code 0, a usage mistake on stderr with `usageCode`,
 * followed by the command's usage. An action reports its own usage mistake with `command.error(text)`.
 */
export async function runCommand(
  args: readonly string[],
  text: CommandText,
  define: (command: Command, action: Action) => void,
): Promise<Outcome> {
  const { name, description, examples, usageCode = 2, errorCode = 1 } = text;
  const printed = { stdout: "", stderr: "" };
  let outcome: Outcome = { stdout: "", stderr: "", code: 0 };
  const command = new Command(`npm run -s ${name} --`).description(description);
  define(command, (work) => async (...given) => {
    outcome = await work(...given);
  });
  const calls = examples.map(
    ([given, does]) => `  # ${does}\n  npm run -s ${name}${given && ` -- ${given}`}`,
  );
  command.addHelpText("after", `\nExamples:\n${calls.join("\n")}`);
  for (const each of [command, ...command.commands]) {
    each
      .exitOverride()
      .configureOutput({
        writeOut: (part) => (printed.stdout += part),
        writeErr: (part) => (printed.stderr += part),
        // The same text on every terminal.
        getOutHelpWidth: () => 100,
        getErrHelpWidth: () => 100,
      })
      .showHelpAfterError(`usage: ${each.createHelp().commandUsage(each)}\n(--help prints more)`);
  }
  try {
    await command.parseAsync([...args], { from: "user" });
    return outcome;
  } catch (error) {
    if (!(error instanceof CommanderError)) return failed(error, errorCode);
    // "commander.help": a command that needs a subcommand and got none; commander prints its help as an error.
    return { ...printed, code: error.exitCode === 0 ? 0 : usageCode };
  }
}
