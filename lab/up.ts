import { Listr, PRESET_TIMER, type ListrTask } from "listr2";
import type { UpResult } from "@pulumi/pulumi/automation";
import { labStack } from "./stack";
import { script } from "./shell";

type Task = ListrTask<unknown>;

/** Inner lists would otherwise take their parent's concurrency. */
const IN_TURN = { concurrent: false };

const SHOWN = {
  rendererOptions: { timer: PRESET_TIMER, collapseSubtasks: false },
  fallbackRendererOptions: { timer: PRESET_TIMER },
};

/** A step that is one of the lab's shell scripts. */
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

/** What all labs share, in the cache. */
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

/** The machine, the builds and the site: everything before the stack. */
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

/** `pulumi up` of the lab's stack; each resource's step is shown as it comes. */
export async function updateStack(
  overrides: Record<string, unknown> = {},
  onLine?: (line: string) => void,
): Promise<UpResult> {
  const stack = await labStack(overrides);
  // As the operator's guide sets it: one container that is down keeps no other from its agent.
  const options = { parallel: 8, continueOnError: true, color: "never" } as const;
  return stack.up({ ...options, onOutput: (text) => lines(text, onLine) });
}

/** What `pulumi up` says, but for the dots and "updating...." by which it shows that it is still there. */
function lines(text: string, onLine?: (line: string) => void): void {
  for (const line of text.split("\n")) if (!/^(@ updating)?[\s.]*$/.test(line)) onLine?.(line.trimEnd());
}

/** Brings the whole lab up; a second run does what is missing, and the stack then says that nothing changed. */
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

/** Makes what all labs share: nothing where it is in the cache. */
export async function build(): Promise<void> {
  await new Listr(buildSteps(), SHOWN).run();
}

/** What an update did, in words: "38 created", "nothing changed". */
export function changes(result: UpResult): string {
  const counts = Object.entries(result.summary.resourceChanges ?? {})
    .filter(([kind, count]) => kind !== "same" && (count ?? 0) > 0)
    .map(([kind, count]) => `${count} ${kind}`);
  return counts.length > 0 ? counts.join(", ") : "nothing changed";
}
