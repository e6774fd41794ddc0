/**
 * Elastic's Terraform provider is a program that is downloaded to this machine, and it receives the superuser's password.
 * Pulumi's bridge checks only what the registry says of it at the time of the download, and trusts its cache after that. So
 * the program compares it with hashes of its own before it gives the password away.
 */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { delimiter, join, relative, sep } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { getPackage } from "@pulumi/elasticstack/bin/utilities";
import { ROOT } from "../core/root";
import { errorText } from "../core/errors";
import { sha256 } from "../core/json";
import { errorWithoutStack } from "./forward";
import pinned from "./provider-hashes.json";

/** The plugin that bridges the provider to Pulumi. The engine prefers one on the PATH to the one that it downloaded. */
const PLUGIN = "pulumi-resource-terraform-provider";

/** These let another program take the provider's place. */
const DEBUG_VARIABLES = ["PULUMI_DEBUG_PROVIDERS", "TF_REATTACH_PROVIDERS"];

/** What the check depends on, for tests. */
export interface ProviderMachine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As Node.js names them: "linux", "x64". */
  readonly platform: string;
  readonly arch: string;
  /** The project's own folder. */
  readonly root: string;
}

/** Whether the provider is the pinned one, belongs to this project, or was not downloaded yet. */
export type ProviderState = "pinned" | "own" | "missing";

/**
 * Returns the hash of a folder's files, as Go's dirhash (Hash1) and OpenTofu's lock files have it: "h1:" and base64.
 * Throws if something in it is neither a file nor a folder.
 */
export function folderHash(folder: string): string {
  const lines = filesIn(folder)
    .map((file) => [relative(folder, file).split(sep).join("/"), file] as const)
    .sort(([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    .map(([name, file]) => `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${name}\n`);
  return `h1:${Buffer.from(sha256(lines.join("")), "hex").toString("base64")}`;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isDirectory()) return filesIn(path);
    if (stats.isFile()) return [path];
    throw new Error(`${path} must be a file or a folder`);
  });
}

/** Returns the folder in which Pulumi's bridge keeps the provider (its dynamic/internal/shim/run/loader.go says so). */
export function providerFolder({ env, platform, arch }: ProviderMachine): string {
  const home = env.PULUMI_HOME ?? join(env.HOME ?? homedir(), ".pulumi");
  const cache = env.PULUMI_DYNAMIC_TF_PLUGIN_CACHE_DIR ?? join(home, "dynamic_tf_plugins");
  return join(cache, ...pinned.address.split("/"), pinned.version, platformName(platform, arch));
}

/** A platform as Go names it: "linux_amd64". */
function platformName(platform: string, arch: string): string {
  const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return `${platform}_${names[arch] ?? arch}`;
}

/**
 * Checks the provider. Throws an Error if it is not the pinned one: another program on the PATH or named by the
 * environment, files with another hash, or a platform without a hash.
 */
export function checkProvider(machine: ProviderMachine): ProviderState {
  const { env, platform, arch, root } = machine;
  const set = DEBUG_VARIABLES.filter((name) => env[name]);
  if (set.length > 0)
    throw new Error(
      `${set.join(", ")} in the environment would give the password to another program; unset it`,
    );
  const onPath = env.PULUMI_IGNORE_AMBIENT_PLUGINS ? undefined : findOnPath(env.PATH ?? "");
  if (onPath !== undefined) {
    // Whoever can change a file of this project can change this check, too.
    if (realpathSync(onPath).startsWith(`${realpathSync(root)}${sep}`)) return "own";
    throw new Error(
      `${onPath} would receive the password of Elasticsearch's superuser, and its hash is not known: ` +
        `Pulumi prefers it to its own plugin because it is on the PATH; take it off the PATH`,
    );
  }
  const name = platformName(platform, arch);
  const hashes = (pinned.platforms as Readonly<Record<string, { readonly h1: string } | undefined>>)[name];
  if (hashes === undefined)
    throw new Error(
      `there is no hash of ${pinned.address} ${pinned.version} for ${name}; run this program on one of: ${Object.keys(pinned.platforms).join(", ")}`,
    );
  const folder = providerFolder(machine);
  if (!existsSync(folder)) return "missing";
  const found = folderHash(folder);
  if (found === hashes.h1) return "pinned";
  throw new Error(
    `the provider in ${folder} is not Elastic's ${pinned.version}: its hash is ${found}, and must be ${hashes.h1}. ` +
      `It did not get the password. Find out who changed it; then delete the folder, and the next update downloads the provider again`,
  );
}

function findOnPath(path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, PLUGIN))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const thisMachine = (): ProviderMachine => ({
  env: process.env,
  platform: process.platform,
  arch: process.arch,
  root: ROOT,
});

/**
 * Checks a provider that was downloaded before, so that the program of a changed one ends before it uses the provider.
 * Throws a pulumi.RunError with one line.
 */
export function checkDownloadedProvider(): ProviderState | undefined {
  // Without an engine (npm run graph) no provider runs.
  if (!hasEngine()) return undefined;
  try {
    const state = checkProvider(thisMachine());
    if (state === "own")
      void pulumi.log.info(
        `${PLUGIN} on the PATH is a file of this project, so no hash of Elastic's provider is checked`,
      );
    return state;
  } catch (error) {
    throw errorWithoutStack(errorText(error));
  }
}

/**
 * Waits until Pulumi's bridge has downloaded the provider, and checks it. Only then may the provider get the password.
 * Throws a pulumi.RunError with one line.
 */
export async function requirePinnedProvider(): Promise<void> {
  if (!hasEngine()) return;
  await getPackage();
  if (checkDownloadedProvider() === "missing")
    throw errorWithoutStack(
      `Elastic's provider is not in ${providerFolder(thisMachine())}, where its hash is checked before it gets the password; is PULUMI_HOME the same for the program as for Pulumi?`,
    );
}

/** Whether Pulumi's engine runs this program: mocks have no gRPC channel. */
function hasEngine(): boolean {
  const engine = pulumi.runtime.getEngine() as { readonly getChannel?: unknown } | undefined;
  return typeof engine?.getChannel === "function";
}
