import { execa, type ResultPromise } from "execa";
import { ROOT } from "../core/root";
import { waitFor } from "../core/wait";
import { LXD_PROJECT } from "./places";

/** Runs a program and returns its stdout. Each line of stdout and stderr goes to `onLine`. Throws an Error with the last lines if it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly env?: Record<string, string | undefined>;
    readonly onLine?: (line: string) => void;
  } = {},
): Promise<string> {
  const child: ResultPromise = execa(command, args, {
    cwd: ROOT,
    input: options.input,
    env: options.env,
    reject: false,
    all: true,
  });
  const all = (child as unknown as { all: NodeJS.ReadableStream }).all;
  let pending = "";
  all.on("data", (chunk: Buffer) => {
    // A progress bar overwrites itself with carriage returns: only its last state is shown.
    const lines = (pending + chunk.toString()).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      const seen = line.trimEnd().split("\r").at(-1) ?? "";
      if (seen.trim() !== "") options.onLine?.(seen.trimEnd());
    }
  });
  const result = await child;
  if (result.exitCode !== 0) {
    const text = (result as { all?: string }).all ?? "";
    const last = text.trimEnd().split("\n").slice(-15).join("\n");
    throw new Error(
      `${[command, ...args].join(" ")} failed (${result.exitCode ?? result.signal ?? "?"}):\n${last}`,
    );
  }
  return String(result.stdout ?? "");
}

/** Runs one of the lab's shell scripts and returns its stdout. */
export function script(
  path: string,
  args: readonly string[],
  onLine?: (line: string) => void,
): Promise<string> {
  return run("bash", [`${ROOT}/lab/${path}`, ...args], { onLine });
}

/** Runs a command in a container of the lab and returns its stdout. */
export function inContainer(name: string, command: readonly string[], input?: string): Promise<string> {
  return run("lxc", ["exec", "--project", LXD_PROJECT, name, "--", ...command], { input });
}

/** Polls until `probe` returns a value, and returns that value. Throws an Error that names `what` after `seconds`. */
export function until<T>(
  what: string,
  seconds: number,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  return waitFor({ what, seconds }, probe);
}
