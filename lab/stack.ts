import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import * as automation from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import program = require("../index");
import { CACHE, LAB_STATE, ROOT } from "./places";

/** Where the lab's stack has its settings and state; `index.ts` itself is the repository's. */
export const STACK_FOLDER = join(LAB_STATE, "stack");

/** What differs from machine to machine, beside the committed Pulumi.dev.yaml. */
function machineSettings(): Record<string, unknown> {
  const read = (file: string) => readFileSync(join(LAB_STATE, file), "utf8").trim();
  const packages = JSON.parse(readFileSync(join(LAB_STATE, "packages.json"), "utf8")) as Record<
    string,
    string
  >;
  const hostKey = read("ssh_host_key.pub").split(" ").slice(0, 2).join(" ");
  return {
    hostKey,
    ...(packages.source === "mirror"
      ? {
          packages: {
            url: packages.url,
            key: readFileSync(packages.keyFile ?? "", "utf8"),
            fingerprint: packages.fingerprint,
          },
        }
      : {}),
  };
}

/** Writes the stack's folder: the project's Pulumi.yaml, and Pulumi.dev.yaml with this machine's settings. */
function prepareFolder(overrides: Record<string, unknown>): void {
  mkdirSync(join(STACK_FOLDER, "state"), { recursive: true });
  writeFileSync(join(STACK_FOLDER, "Pulumi.yaml"), readFileSync(join(ROOT, "Pulumi.yaml")));
  const settings = parse(readFileSync(join(ROOT, "Pulumi.dev.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const file = join(STACK_FOLDER, "Pulumi.dev.yaml");
  const old = existsSync(file) ? (parse(readFileSync(file, "utf8")) as Record<string, unknown>) : {};
  for (const [key, value] of Object.entries({ ...machineSettings(), ...overrides })) {
    settings.config[`dhis2-siem:${key}`] = value;
  }
  writeFileSync(
    file,
    stringify({ ...(old.encryptionsalt ? { encryptionsalt: old.encryptionsalt } : {}), ...settings }),
  );
}

/** The passphrase of the lab's state, made once on this machine; the state holds the lab's passwords. */
function passphrase(): string {
  const file = join(LAB_STATE, "passphrase");
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

/**
 * The lab's stack, run in this process by the Automation API. The providers are the vendor's plugins where Pulumi has
 * them installed, else the stand-ins on the PATH. `overrides` are values of the stack's config for this run.
 */
export async function labStack(overrides: Record<string, unknown> = {}): Promise<automation.Stack> {
  prepareFolder(overrides);
  // Paths of the program and of the plugins are relative to the stack's folder.
  process.chdir(STACK_FOLDER);
  const stack = await automation.LocalWorkspace.createOrSelectStack(
    { stackName: "dev", projectName: "dhis2-siem", program: () => Promise.resolve(program()) },
    {
      workDir: STACK_FOLDER,
      pulumiCommand: await automation.PulumiCommand.get({ root: CACHE, skipVersionCheck: true }),
      envVars: {
        PULUMI_BACKEND_URL: `file://${join(STACK_FOLDER, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: passphrase(),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PATH: `${join(ROOT, "lab/standins/providers/bin")}:${process.env.PATH ?? ""}`,
      },
    },
  );
  const privateKey = readFileSync(join(LAB_STATE, "id_ed25519"), "utf8");
  await stack.setConfig("dhis2-siem:privateKey", { value: privateKey, secret: true });
  return stack;
}
