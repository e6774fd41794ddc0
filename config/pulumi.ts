import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/command";
import { SOURCES } from "../machines";
import { sourceProblems } from "../sources";
import { parseSite, parseStack, siteOf } from "./load";
import { printProblem, type Problem, type Result } from "../core/problem";
import type { Options, Site } from "./site";
import type { SshRequest } from "./ssh";
import { NAMESPACE, readStackFile } from "./stack-file";

export interface LoadedStack {
  readonly site: Site;
  readonly options: Options;
  /** Whether anything of `delivery` is encrypted in the stack's file, such as a header of a webhook. */
  readonly deliveryIsSecret: boolean;
  /** The secrets of the alerts' destinations, by their names. */
  readonly deliverySecrets: Readonly<Record<string, pulumi.Output<string>>>;
  /** How remote commands connect; the private key in it is secret. */
  readonly connection: types.input.remote.ConnectionArgs & {
    readonly user: string;
    readonly privateKey?: pulumi.Output<string>;
  };
  /** How this program itself logs in. The private key in it is plain: it is nothing for a resource. */
  readonly ssh: SshRequest;
}

/** In the SDK, but not in its types. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

/**
 * The stack's config and its site's file, whose path is taken from `folder`. Throws one `pulumi.RunError` that holds
 * every problem of both and of the sources' folders, one a line; nothing has been touched then.
 */
export function loadFromPulumi(folder: string): LoadedStack {
  const all = (pulumi.runtime.allConfig() ?? {}) as Record<string, string>;
  const values = Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(NAMESPACE))
      .map(([key, value]) => [key.slice(NAMESPACE.length), value]),
  );
  const label = `Pulumi.${pulumi.getStack()}.yaml`;
  const { lineOf, plainSecrets } = readStackFile(readIfThere(label) ?? "");
  const stack = parseStack(values, (key) => isConfigSecret(NAMESPACE + key), label, lineOf, plainSecrets);
  const extras = siteOf(values);
  const site: Result<Site> =
    extras.site === undefined
      ? { ok: false, problems: [] }
      : readSite(resolve(folder, extras.site), extras, {
          file: label,
          line: lineOf(["site"]),
          path: `${NAMESPACE}site`,
        });
  const sources = sourceProblems(SOURCES);
  if (!stack.ok || !site.ok || sources.length > 0) {
    throw stop([...[stack, site].flatMap((part) => (part.ok ? [] : part.problems)), ...sources]);
  }
  const { options, privateKey, deliverySecrets } = stack.value;
  const { bastion, ...host } = options.host;
  if (!privateKey && !process.env.SSH_AUTH_SOCK && !pulumi.runtime.isDryRun()) {
    throw new pulumi.RunError(
      "there is no SSH key to log in with: no SSH agent runs (ssh-add -l shows its keys), and the config has no " +
        "privateKey (pulumi config set --secret privateKey <FILE)",
    );
  }
  const login = privateKey ? { privateKey: pulumi.secret(privateKey) } : {};
  return {
    site: site.value,
    options,
    deliveryIsSecret: isConfigSecret(`${NAMESPACE}delivery`),
    deliverySecrets: Object.fromEntries(
      Object.entries(deliverySecrets).map(([name, secret]) => [name, pulumi.secret(secret)]),
    ),
    connection: { ...host, ...login, ...(bastion ? { proxy: { ...bastion, ...login } } : {}) },
    ssh: { ...options.host, privateKey },
  };
}

function readSite(
  file: string,
  extras: ReturnType<typeof siteOf>,
  setting: Omit<Problem, "message">,
): Result<Site> {
  const text = readIfThere(file);
  if (text === undefined) {
    return { ok: false, problems: [{ ...setting, message: `there is no file ${file} that can be read` }] };
  }
  return parseSite(relative(process.cwd(), file), text, extras);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function stop(problems: readonly Problem[]): pulumi.RunError {
  const count = problems.length === 1 ? "one thing is wrong" : `${problems.length} things are wrong`;
  return new pulumi.RunError(
    [`${count} with the input; nothing was touched`, ...problems.map(printProblem)].join("\n"),
  );
}
