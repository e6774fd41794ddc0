import * as pulumi from "@pulumi/pulumi";
import { remote, types } from "@pulumi/command";
import { asRoot, renderBundle, type BundleParts } from "../render/bundle";
import type { ScriptName, Scripts } from "../scripts";

/** The parts of a remote step's bundle. Values, files and secrets may be outputs. */
export interface StepArgs {
  /** What the step sets up, for messages, such as "the container siem". */
  readonly title: string;
  /** Names of scripts in `scripts/`, which follow `lib`. The last one defines `main`. */
  readonly scripts: readonly ScriptName[];
  readonly values: Record<string, pulumi.Input<string | number>>;
  readonly files?: Record<string, pulumi.Input<string>>;
  readonly secrets?: Record<string, pulumi.Input<string>>;
}

export interface HostArgs {
  /** How to log in: host, port, pinned key, user, such as "siem", and private key. Without a private key, the SSH agent is used. */
  readonly connection: types.input.remote.ConnectionArgs & { readonly user: string };
  /** The LXD project that the containers are in, by default "default". */
  readonly lxdProject: string;
  /** The texts of scripts/ (`loadScripts()`). */
  readonly scripts: Scripts;
}

/**
 * Runs every remote command of the stack on the LXD host: over SSH with a pinned host key, as root by
 * `sudo -n`, with everything on stdin. The same script runs for create and update; delete undoes it.
 */
export class Host {
  private readonly run: (action: string) => string;

  constructor(private readonly args: HostArgs) {
    this.run = (action) => asRoot(args.connection.user, `bash -s -- ${action}`);
  }

  get lxdProject(): string {
    return this.args.lxdProject;
  }

  /** Returns the text of a script of `scripts/`, for a file that a step installs. */
  script(name: ScriptName): string {
    const text = this.args.scripts[name];
    if (text === undefined) throw new Error(`there is no script ${name}`);
    return text;
  }

  /** Returns a step on the host itself. */
  onHost(name: string, step: StepArgs, opts: pulumi.CustomResourceOptions): remote.Command {
    return this.command(name, this.bundle(step), step.secrets !== undefined, opts);
  }

  /** Returns a step in a container. It fails with a clear message if the container is missing or stopped. */
  inContainer(
    name: string,
    container: string,
    step: StepArgs,
    opts: pulumi.CustomResourceOptions,
  ): remote.Command {
    const outer = this.bundle({
      title: step.title,
      scripts: ["lxd", "in-container"],
      values: { LXD_PROJECT: this.lxdProject, CONTAINER: container },
      files: { inner: this.bundle(step) },
    });
    return this.command(name, outer, step.secrets !== undefined, opts);
  }

  /**
   * Returns a step on the host with one script and without lib.sh. It runs again only if its values or this script change. So
   * a preview usually knows its output.
   */
  standaloneCommand(
    name: string,
    script: ScriptName,
    { title, values }: Pick<BundleParts, "title" | "values">,
    opts: pulumi.CustomResourceOptions,
  ): remote.Command {
    const bundle = renderBundle({ title, values, scripts: [this.script(script)] });
    return this.command(name, pulumi.output(bundle), false, opts);
  }

  private bundle(step: StepArgs): pulumi.Output<string> {
    return pulumi
      .output({ values: step.values, files: step.files ?? {}, secrets: step.secrets ?? {} })
      .apply((parts) => {
        const bundle: BundleParts = {
          title: step.title,
          ...parts,
          scripts: ["lib", ...step.scripts].map((script) => this.script(script as ScriptName)),
        };
        return renderBundle(bundle);
      });
  }

  private command(
    name: string,
    stdin: pulumi.Output<string>,
    secret: boolean,
    opts: pulumi.CustomResourceOptions,
  ): remote.Command {
    const step = new remote.Command(
      name,
      {
        connection: this.args.connection,
        create: this.run("apply"),
        update: this.run("apply"),
        delete: this.run("delete"),
        stdin: secret ? pulumi.secret(stdin) : stdin,
        addPreviousOutputInEnv: false,
        // Scripts print their progress and errors to stderr, and never a secret.
        logging: remote.Logging.Stderr,
      },
      opts,
    );
    showWarnings(step);
    return step;
  }
}

/**
 * The command provider shows a step's output only while the step runs (`LogOutput` in pulumi-command's util.go). A script's
 * warnings (`warn`) matter longer: every update shows the warnings of the step's last run with its diagnostics.
 */
function showWarnings(step: remote.Command): void {
  if (pulumi.runtime.isDryRun()) return;
  step.stderr.apply((stderr = "") => {
    const warnings = stderr.split("\n").filter((line) => line.startsWith("siem: warning: "));
    if (warnings.length > 0) void pulumi.log.warn(`in its last run:\n${warnings.join("\n")}`, step);
  });
}
