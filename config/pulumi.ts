import { existsSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as state from "@pulumi/pulumi/runtime/state";
import type { types } from "@pulumi/command";
import { parseSite } from "./parseSite";
import { printProblem, type Problem } from "./problem";
import type { Options, Site } from "./site";
import { parseStack } from "./stack";

export interface LoadedStack {
  readonly site: Site;
  readonly options: Options;
  /** How remote commands connect; the private key in it is secret. */
  readonly connection: types.input.remote.ConnectionArgs & { readonly privateKey?: pulumi.Output<string> };
}

const NAMESPACE = "dhis2-siem:";

/**
 * The stack's config and its site's file, whose path is taken from `folder`. Throws one `pulumi.RunError` that holds
 * every problem, one a line; nothing has been touched then.
 */
export function loadFromPulumi(folder: string): LoadedStack {
  const all = (pulumi.runtime.allConfig() ?? {}) as Record<string, string>;
  const values = Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => key.startsWith(NAMESPACE))
      .map(([key, value]) => [key.slice(NAMESPACE.length), value]),
  );
  const label = `Pulumi.${pulumi.getStack()}.yaml`;
  const stack = parseStack(values, (key) => secretKeys().includes(NAMESPACE + key), label);
  if (!stack.ok) throw stop(stack.problems);
  const { options, privateKey, dhis2, withoutDhis2 } = stack.value;
  const file = resolve(folder, stack.value.site);
  if (!existsSync(file)) {
    throw stop([{ file: label, path: `${NAMESPACE}site`, message: `there is no file ${file}` }]);
  }
  const site = parseSite(relative(process.cwd(), file) || file, readFileSync(file, "utf8"), {
    dhis2,
    withoutDhis2,
  });
  if (!site.ok) throw stop(site.problems);
  const { bastion, ...host } = options.host;
  return {
    site: site.value,
    options,
    connection: {
      ...host,
      ...(privateKey ? { privateKey: pulumi.secret(privateKey) } : {}),
      ...(bastion
        ? { proxy: { ...bastion, ...(privateKey ? { privateKey: pulumi.secret(privateKey) } : {}) } }
        : {}),
    },
  };
}

function stop(problems: readonly Problem[]): pulumi.RunError {
  const count = problems.length === 1 ? "one thing is wrong" : `${problems.length} things are wrong`;
  return new pulumi.RunError(
    [`${count} with the input; nothing was touched`, ...problems.map(printProblem)].join("\n"),
  );
}

/** The keys that are encrypted in the stack's file; the SDK keeps them, but has no function for it. */
function secretKeys(): readonly string[] {
  return JSON.parse(
    (state as unknown as StateModule).getStore().config.PULUMI_CONFIG_SECRET_KEYS ?? "[]",
  ) as string[];
}

interface StateModule {
  getStore(): { config: Record<string, string | undefined> };
}
