import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import * as automation from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import { CACHE, LAB_STATE, ROOT } from "./places";
import { deliverySettings } from "./receivers";

/** Where the lab's stack has its settings and state; the program is the repository's own. */
export const STACK_FOLDER = join(LAB_STATE, "stack");

/** Where the program writes the stack's CA. */
export const CA_FILE = join(ROOT, ".siem/dev-ca.pem");

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
    delivery: deliverySettings().delivery,
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

/** Writes the stack's folder: the project's Pulumi.yaml with the way to the program, and Pulumi.dev.yaml with this machine's settings. */
function prepareFolder(overrides: Record<string, unknown>): void {
  mkdirSync(join(STACK_FOLDER, "state"), { recursive: true });
  const project = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(STACK_FOLDER, "Pulumi.yaml"), stringify({ ...project, main: ROOT }));
  const settings = parse(readFileSync(join(ROOT, "Pulumi.dev.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const file = join(STACK_FOLDER, "Pulumi.dev.yaml");
  const old = existsSync(file)
    ? (parse(readFileSync(file, "utf8")) as { encryptionsalt?: string; config?: object })
    : {};
  // Secrets that are there already stay: somebody may be reading the file.
  for (const [key, value] of Object.entries(old.config ?? {})) {
    if (typeof value === "object" && value !== null && "secure" in value) settings.config[key] = value;
  }
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
 * The lab's stack, for `pulumi up` by Pulumi's own CLI. Its plugins are the vendor's where they could be had, else the
 * stand-ins on the PATH (lab/build/pulumi.sh). `overrides` are values of the stack's config for this run.
 */
export async function labStack(overrides: Record<string, unknown> = {}): Promise<automation.Stack> {
  prepareFolder(overrides);
  const stack = await automation.LocalWorkspace.createOrSelectStack(
    { stackName: "dev", workDir: STACK_FOLDER },
    {
      pulumiCommand: await automation.PulumiCommand.get({ root: CACHE, skipVersionCheck: true }),
      pulumiHome: join(CACHE, "pulumi"),
      envVars: {
        PULUMI_BACKEND_URL: `file://${join(STACK_FOLDER, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: passphrase(),
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PATH: `${join(LAB_STATE, "plugins")}:${process.env.PATH ?? ""}`,
      },
    },
  );
  // A secret of a destination that there is not is refused.
  const { delivery, secrets } = deliverySettings();
  const { destinations } = (overrides.delivery ?? delivery) as typeof delivery;
  const known = Object.entries(secrets).filter(([name]) => destinations.some((one) => one.name === name));
  await stack.setAllConfig({
    "dhis2-siem:privateKey": { value: readFileSync(join(LAB_STATE, "id_ed25519"), "utf8"), secret: true },
    "dhis2-siem:deliverySecrets": { value: JSON.stringify(Object.fromEntries(known)), secret: true },
  });
  return stack;
}
