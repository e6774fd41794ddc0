import { opened } from "../commands/verify/state";
import { run } from "./shell";
import { labStack } from "./stack";
import { CACHE } from "../core/cache";
import { STACK } from "./places";
import { keyPeriodAt } from "../config/keys";

/** Returns every secret of the lab's stack in plain text, by resource: for checks that search for them where they must not be. */
export async function labSecrets(): Promise<{ name: string; value: string }[]> {
  const stack = await labStack();
  const exported = await run(
    `${CACHE}/bin/pulumi`,
    ["stack", "export", "--show-secrets", "--stack", STACK, "--cwd", stack.workspace.workDir],
    {
      env: stack.workspace.envVars,
    },
  );
  const { deployment } = JSON.parse(exported) as {
    deployment: { resources: { urn: string; outputs?: Record<string, unknown> }[] };
  };
  return deployment.resources.flatMap(({ urn, outputs = {} }) =>
    ["result", "apiKey", "encoded"].flatMap((key) => {
      const value = opened(outputs[key]);
      const type = urn.split("::")[2] ?? "";
      return typeof value === "string" && /RandomPassword|ApiKey/.test(type)
        ? [{ name: urn.split("::").at(-1) ?? "", value }]
        : [];
    }),
  );
}

/** Returns the name of the resource of the key that a machine's agent uses now (components/api-key.ts). */
export function agentKeyResource(machine: string): string {
  return `agent-${machine}-key-${keyPeriodAt(Date.now()) % 2 === 0 ? "even" : "odd"}`;
}
