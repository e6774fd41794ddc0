import { join } from "node:path";
import { main, pulumiCli } from "../commands/verify";
import type { Finding } from "../commands/verify/finding";
import { CACHE } from "../core/cache";
import { STACK } from "./places";
import { labStack, STACK_FOLDER } from "./stack";

/** Writes the stack's settings, and returns the environment variables with which Pulumi's CLI finds the lab's stack. */
export async function cliEnvironment(
  overrides: Record<string, unknown> = {},
): Promise<Record<string, string | undefined>> {
  const { envVars } = (await labStack(overrides)).workspace;
  return { ...envVars, PATH: `${join(CACHE, "bin")}:${process.env.PATH ?? ""}` };
}

/** Runs `npm run verify` for the lab, and returns its output and exit code. Throws an Error if it could not check anything. */
export async function verifyLab(
  overrides: Record<string, unknown> = {},
  ...more: string[]
): Promise<{ findings: Finding[]; code: number }> {
  const pulumi = pulumiCli(STACK_FOLDER, await cliEnvironment(overrides));
  const { stdout, stderr, code } = await main([STACK, "--json", ...more], false, { pulumi });
  if (stderr !== "") throw new Error(stderr);
  return { findings: (JSON.parse(stdout) as { findings: Finding[] }).findings, code };
}
