/** `npm run -s dashboards`: every dashboard as text, for the docs. */
import { loadDashboards } from "../dashboards";
import { describeDashboard } from "../dashboards/describe";
import { runCommand } from "./command-line";
import { finish, type Outcome, succeeded } from "./outcome";

/** Runs the command and returns its output and exit code. */
export async function main(args: readonly string[]): Promise<Outcome> {
  const text = {
    name: "dashboards",
    description: "Prints every dashboard as text: its panels, what each counts, and the searches.",
    examples: [["", "print them all"]],
  } as const;
  return runCommand(args, text, (command, action) => {
    command.action(action(() => succeeded(loadDashboards().map(describeDashboard).join("\n"))));
  });
}

if (require.main === module) void finish(main(process.argv.slice(2)));
