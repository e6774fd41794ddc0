import { Listr, PRESET_TIMER, type ListrTask } from "listr2";
import type { UpResult } from "@pulumi/pulumi/automation";
import { labStack } from "./stack";
import { script } from "./shell";

type Task = ListrTask<unknown>;

/** By default, an inner list has its parent's concurrency. */
const IN_TURN = { concurrent: false };

const SHOWN = {
  rendererOptions: { timer: PRESET_TIMER, collapseSubtasks: false },
  fallbackRendererOptions: { timer: PRESET_TIMER },
};

/** Returns a step that runs some of the lab's shell scripts. */
function shellStep(title: string, ...scripts: readonly (readonly [path: string, ...args: string[]])[]): Task {
  return {
    title,
    task: async (_context, task) => {
      for (const [path, ...args] of scripts) {
        await script(path, args, (line) => {
          task.output = line;
        });
      }
    },
  };
}

/** Returns the steps that build what all labs share, in the cache. */
function buildSteps(): Task[] {
  const builds = shellStep("Elastic's packages", ["host/mirror.sh", "build"]);
  return [
    shellStep("what this machine lacks", ["host/packages.sh"]),
    {
      title: "builds and downloads",
      task: (_context, task) =>
        task.newListr(
          [
            shellStep("base image", ["host/image.sh", "build"]),
            {
              title: "Pulumi's CLI, Elastic's packages",
              task: (_ctx, inner) =>
                inner.newListr([shellStep("Pulumi's CLI", ["build/pulumi.sh"]), builds], IN_TURN),
            },
          ],
          { concurrent: true },
        ),
    },
  ];
}

/** Returns all steps before the stack's: the machine, the builds and the site. */
function groundSteps(): Task[] {
  return [
    shellStep("what this machine lacks", ["host/packages.sh"]),
    {
      title: "LXD, and what Elastic and Pulumi make",
      task: (_context, task) =>
        task.newListr(
          [
            {
              title: "LXD, base image, SSH login",
              task: (_ctx, inner) =>
                inner.newListr(
                  [
                    shellStep("LXD, in a project of its own", ["host/lxd.sh", "up"]),
                    shellStep("base image", ["host/image.sh"]),
                    shellStep("an SSH server and login of the lab's own", ["host/sshd.sh", "up"]),
                  ],
                  IN_TURN,
                ),
            },
            {
              title: "builds and downloads",
              task: (_ctx, inner) =>
                inner.newListr(
                  [
                    shellStep("Pulumi's CLI", ["build/pulumi.sh"]),
                    shellStep("Elastic's packages", ["host/mirror.sh", "build"]),
                  ],
                  IN_TURN,
                ),
            },
          ],
          { concurrent: true },
        ),
    },
    shellStep("the packages' mirror", ["host/mirror.sh", "up"]),
    shellStep("a mail server and a webhook receiver", ["host/receivers.sh", "up"]),
    shellStep("the site: proxy, DHIS2, PostgreSQL", ["host/site.sh", "up"]),
  ];
}

/** Runs `pulumi up` for the lab's stack and returns its result. Each line of its output goes to `onLine`. */
export async function updateStack(
  overrides: Record<string, unknown> = {},
  onLine?: (line: string) => void,
): Promise<UpResult> {
  const stack = await labStack(overrides);
  // As in the operator's guide: the other containers still get their agents if one container is down.
  const options = { parallel: 8, continueOnError: true, color: "never" } as const;
  return stack.up({ ...options, onOutput: (text) => lines(text, onLine) });
}

/** Passes on the lines of `pulumi up`, without the dots and "updating...." that only show that it still runs. */
function lines(text: string, onLine?: (line: string) => void): void {
  for (const line of text.split("\n")) if (!/^(@ updating)?[\s.]*$/.test(line)) onLine?.(line.trimEnd());
}

/** Brings the whole lab up. If it is up already, the stack reports that nothing changed. */
export async function up(): Promise<void> {
  const stackStep: Task = {
    title: "pulumi up",
    task: async (_context, task) => {
      const result = await updateStack({}, (line) => {
        task.output = line;
      });
      task.title = `pulumi up: ${changes(result)}`;
    },
  };
  await new Listr([...groundSteps(), stackStep], SHOWN).run();
}

/** Builds what all labs share, unless it is in the cache. */
export async function build(): Promise<void> {
  await new Listr(buildSteps(), SHOWN).run();
}

/** Returns what an update did, in words such as "38 create" or "nothing changed". */
export function changes(result: UpResult): string {
  const counts = Object.entries(result.summary.resourceChanges ?? {})
    .filter(([kind, count]) => kind !== "same" && (count ?? 0) > 0)
    .map(([kind, count]) => `${count} ${kind}`);
  return counts.length > 0 ? counts.join(", ") : "nothing changed";
}
