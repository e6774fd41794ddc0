/** What a run of a command says, and its exit code. */
export interface Said<Code extends number = number> {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: Code;
}

/** What an error says, in one line; behind it how the command is used, where that is what was wrong. */
export function failed<Code extends number>(error: unknown, code: Code, usage?: string): Said<Code> {
  const message = error instanceof Error ? error.message : String(error);
  return { stdout: "", stderr: `${message}\n${usage === undefined ? "" : `${usage}\n`}`, code };
}

/** Prints what a command says and ends the process with its code. */
export async function finish(said: Promise<Said>): Promise<void> {
  const { stdout, stderr, code } = await said;
  process.stderr.write(stderr);
  process.stdout.write(stdout);
  process.exitCode = code;
}
