import { errorText } from "../core/errors";

/** What a run of a command prints, and its exit code. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** The outcome of a command that did what it had to. */
export function succeeded(stdout: string): Outcome {
  return { stdout, stderr: "", code: 0 };
}

/** The outcome of a command that failed: the error's text, on stderr. */
export function failed(error: unknown, code: number): Outcome {
  return { stdout: "", stderr: `${errorText(error)}\n`, code };
}

/** Prints a command's outcome and ends the process with its code as soon as nothing runs any more. */
export async function finish(outcome: Promise<Outcome>): Promise<void> {
  const { stdout, stderr, code } = await outcome;
  process.stderr.write(stderr);
  process.stdout.write(stdout);
  process.exitCode = code;
}
