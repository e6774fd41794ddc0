import { readFileSync } from "node:fs";
import type { Login } from "./elasticsearch";
import { CA_FILE, labStack } from "./stack";

/** The stack outputs that the lab's checks need. */
export interface LabOutputs {
  readonly kibanaUrl: string;
  readonly operator: { readonly username: string; readonly password: string };
  readonly engineer: { readonly username: string; readonly password: string };
  readonly elasticPassword: string;
  readonly caFingerprint: string;
  readonly agents: readonly { name: string; ip: string; type: string; keyId: string }[];
  readonly dataStream: string;
  readonly alertIndex: string;
  /** The operator's login. */
  readonly login: Login;
  /** The login of the user `elastic`. */
  readonly superuser: Login;
  readonly caPem: string;
}

/** Returns the outputs of the lab's stack. Throws an Error if the lab was never brought up. */
export async function labOutputs(overrides: Record<string, unknown> = {}): Promise<LabOutputs> {
  const outputs = await (await labStack(overrides)).outputs();
  const value = <T>(name: string): T => {
    if (outputs[name] === undefined)
      throw new Error("the lab's stack has no outputs yet: run 'npm run lab -- up' first");
    return outputs[name].value as T;
  };
  const operator = value<LabOutputs["operator"]>("operator");
  const elasticPassword = value<string>("elasticPassword");
  const caPem = readFileSync(CA_FILE, "utf8");
  return {
    kibanaUrl: value("kibanaUrl"),
    operator,
    engineer: value("engineer"),
    elasticPassword,
    caFingerprint: value("caFingerprint"),
    agents: value("agents"),
    dataStream: value("dataStream"),
    alertIndex: value("alertIndex"),
    login: { caPem, user: { name: operator.username, password: operator.password } },
    superuser: { caPem, user: { name: "elastic", password: elasticPassword } },
    caPem,
  };
}
