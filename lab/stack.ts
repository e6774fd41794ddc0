import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import * as automation from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import { CACHE } from "../core/cache";
import { ROOT } from "../core/root";
import {
  BRIDGE_ADDRESS,
  FORWARD,
  LAB_STATE,
  LOGIN,
  LXD_PROJECT,
  SITE_FILE,
  SITE_TEMPLATE,
  SSH_PORT,
  STACK,
  withAddresses,
} from "./places";
import { deliverySettings } from "./receivers";

/** The folder of the lab's stack settings and state. The program is the repository's own. */
export const STACK_FOLDER = join(LAB_STATE, "stack");

/** The file of the stack's settings. */
export const STACK_FILE = join(STACK_FOLDER, `Pulumi.${STACK}.yaml`);

/** The file into which the program writes the stack's CA. */
export const CA_FILE = join(ROOT, `.siem/${STACK}-ca.pem`);

/** Returns the settings that differ between machines and labs. The others are in the committed Pulumi.dev.yaml. */
function machineSettings(): Record<string, unknown> {
  const read = (file: string) => readFileSync(join(LAB_STATE, file), "utf8").trim();
  const packages = JSON.parse(readFileSync(join(LAB_STATE, "packages.json"), "utf8")) as Record<
    string,
    string
  >;
  const hostKey = read("ssh_host_key.pub").split(" ").slice(0, 2).join(" ");
  return {
    site: SITE_FILE,
    port: String(SSH_PORT),
    user: LOGIN,
    lxdProject: LXD_PROJECT,
    forward: FORWARD,
    hostKey,
    // The lab's requests come from the host.
    kibana: { allowFrom: [`${BRIDGE_ADDRESS}/32`] },
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

/** Returns the committed settings. */
function committedSettings(): { config: Record<string, unknown> } {
  return parse(readFileSync(join(ROOT, "Pulumi.dev.yaml"), "utf8")) as { config: Record<string, unknown> };
}

/** Returns the committed settings of the SIEM's container, for an override of some of them. */
export function containerSettings(): object {
  return committedSettings().config["dhis2-siem:siem"] as object;
}

/** Writes the lab's site file, and the stack's folder: the project's Pulumi.yaml with the path of the program, and the settings. */
function prepareFolder(overrides: Record<string, unknown>): void {
  mkdirSync(join(STACK_FOLDER, "state"), { recursive: true });
  const project = parse(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(STACK_FOLDER, "Pulumi.yaml"), stringify({ ...project, main: ROOT }));
  const settings = committedSettings();
  writeFileSync(SITE_FILE, withAddresses(readFileSync(SITE_TEMPLATE, "utf8")));
  const file = STACK_FILE;
  const old = existsSync(file)
    ? (parse(readFileSync(file, "utf8")) as { encryptionsalt?: string; config?: object })
    : {};
  // Existing secrets stay, because another process may be reading the file.
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

/** Returns the passphrase of the lab's state, which contains the lab's passwords. It is generated once on each machine. */
function passphrase(): string {
  const file = join(LAB_STATE, "passphrase");
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

/**
 * Returns the lab's stack, for Pulumi's own CLI. Its plugins are the vendor's if these could be downloaded, otherwise the
 * stand-ins on the PATH (lab/build/pulumi.sh). `overrides` are values of the stack's config for this run.
 */
export async function labStack(overrides: Record<string, unknown> = {}): Promise<automation.Stack> {
  prepareFolder(overrides);
  const stack = await (opened ??= open());
  await setSecrets(stack, overrides);
  return stack;
}

/** This process's stack. It is opened once, because opening it runs the CLI three times. */
let opened: Promise<automation.Stack> | undefined;

async function open(): Promise<automation.Stack> {
  return automation.LocalWorkspace.createOrSelectStack(
    { stackName: STACK, workDir: STACK_FOLDER },
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
}

/** The secrets that this process set last, as JSON. */
let secretsSet: string | undefined;

/** Sets the stack's secrets, unless this process has already set the same ones, because this runs the CLI. */
async function setSecrets(stack: automation.Stack, overrides: Record<string, unknown>): Promise<void> {
  // The program refuses a secret for an unknown destination.
  const { delivery, secrets } = deliverySettings();
  const { destinations } = (overrides.delivery ?? delivery) as typeof delivery;
  const known = Object.entries(secrets).filter(([name]) => destinations.some((one) => one.name === name));
  const values = {
    privateKey: readFileSync(join(LAB_STATE, "id_ed25519"), "utf8"),
    deliverySecrets: JSON.stringify(Object.fromEntries(known)),
  };
  if (JSON.stringify(values) === secretsSet) return;
  const config = Object.entries(values).map(([name, value]) => [
    `dhis2-siem:${name}`,
    { value, secret: true },
  ]);
  await stack.setAllConfig(Object.fromEntries(config) as automation.ConfigMap);
  secretsSet = JSON.stringify(values);
}
