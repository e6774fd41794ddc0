import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/command";
import { SOURCES } from "../machines";
import { sourceProblems } from "../sources";
import { keyPeriodAt } from "./keys";
import { parseSite, parseStack, readSiteSettings } from "./load";
import { printProblem, type Problem, type Result } from "../core/problem";
import type { Options, Site } from "./site";
import type { SshRequest } from "./ssh";
import { NAMESPACE, readStackFile } from "./stack-file";

/** Everything that the program reads before it creates a resource. */
export interface LoadedStack {
  readonly site: Site;
  readonly options: Options;
  /** The number of the current period of API keys (keys.ts). */
  readonly keyPeriod: number;
  /** Whether a value of `delivery` is encrypted in the stack's file, such as a header of a webhook. */
  readonly deliveryIsSecret: boolean;
  /** The secrets of the alerts' destinations, by their names. */
  readonly deliverySecrets: Readonly<Record<string, pulumi.Output<string>>>;
  /** How remote commands connect; the private key in it is secret. */
  readonly connection: types.input.remote.ConnectionArgs & {
    readonly user: string;
    readonly privateKey?: pulumi.Output<string>;
  };
  /** How this program itself logs in. The private key is plain text: no resource may receive it. */
  readonly ssh: SshRequest;
}

/** The SDK exports this function, but its types do not have it. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

/**
 * Returns the checked config of the stack that runs, and its site. Throws one `pulumi.RunError` with every problem of the
 * config, the site's file and the sources' folders, a line each.
 * @param folder where the path of the site's file starts
 */
export function loadFromPulumi(folder: string): LoadedStack {
  const allConfig = (pulumi.runtime.allConfig() ?? {}) as Record<string, string>;
  const values = Object.fromEntries(
    Object.entries(allConfig)
      .filter(([key]) => key.startsWith(NAMESPACE))
      .map(([key, value]) => [key.slice(NAMESPACE.length), value]),
  );
  const label = `Pulumi.${pulumi.getStack()}.yaml`;
  const { lineOf, plainSecrets } = readStackFile(readIfExists(label) ?? "");
  const stack = parseStack(values, (key) => isConfigSecret(NAMESPACE + key), label, lineOf, plainSecrets);
  const extras = readSiteSettings(values);
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
    throw inputError([...[stack, site].flatMap((part) => (part.ok ? [] : part.problems)), ...sources]);
  }
  const { options, privateKey, deliverySecrets } = stack.value;
  const { bastion, ...host } = options.host;
  if (!privateKey && !process.env.SSH_AUTH_SOCK && !pulumi.runtime.isDryRun()) {
    throw new pulumi.RunError(
      "there is no SSH key to log in with; start an SSH agent that has the key (ssh-add -l shows its keys), or set it " +
        "with: pulumi config set --secret privateKey <FILE",
    );
  }
  const login = privateKey ? { privateKey: pulumi.secret(privateKey) } : {};
  return {
    site: site.value,
    options,
    keyPeriod: keyPeriodAt(Date.now()),
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
  extras: ReturnType<typeof readSiteSettings>,
  setting: Omit<Problem, "message">,
): Result<Site> {
  const text = readIfExists(file);
  if (text === undefined) {
    return {
      ok: false,
      problems: [{ ...setting, message: `must be the path of a readable file; ${file} is not` }],
    };
  }
  return parseSite(relative(process.cwd(), file), text, extras);
}

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Returns an error with all problems of the input, a line each. Pulumi shows a RunError without a stack trace. */
export function inputError(problems: readonly Problem[]): pulumi.RunError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new pulumi.RunError(
    [`the input has ${count}; nothing was changed`, ...problems.map(printProblem)].join("\n"),
  );
}
