import { join } from "node:path";
import { main, pulumiCli } from "../commands/verify";
import type { Finding } from "../commands/verify/finding";
import { CACHE } from "../core/cache";
import { STACK } from "./places";
import { labStack, STACK_FOLDER } from "./stack";

/** What Pulumi's CLI needs to find the lab's stack, in the environment; writes the stack's settings. */
export async function cliEnvironment(
  overrides: Record<string, unknown> = {},
): Promise<Record<string, string | undefined>> {
  const { envVars } = (await labStack(overrides)).workspace;
  return { ...envVars, PATH: `${join(CACHE, "bin")}:${process.env.PATH ?? ""}` };
}

/** What `npm run verify` says of the lab with these settings: all of it, and its exit code. Throws where it could not look. */
export async function verifyLab(
  overrides: Record<string, unknown> = {},
  ...more: string[]
): Promise<{ findings: Finding[]; code: number }> {
  const pulumi = pulumiCli(STACK_FOLDER, await cliEnvironment(overrides));
  const { stdout, stderr, code } = await main([STACK, "--json", ...more], false, { pulumi });
  if (stderr !== "") throw new Error(stderr);
  return { findings: (JSON.parse(stdout) as { findings: Finding[] }).findings, code };
}
