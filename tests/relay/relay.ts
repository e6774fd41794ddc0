import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../core/wait";
import { ROOT } from "../../core/root";
import type { Destination } from "../../config/delivery";
import { renderRelayConfig, renderRelayRules, type RelayTarget } from "../../render/relay";

export interface RelaySetup {
  readonly elasticsearchPort: number;
  /** The port of the server in place of Kibana, without TLS. */
  readonly kibanaPort: number;
  readonly target: RelayTarget;
  readonly destinations: readonly Destination[];
  readonly secrets: Readonly<Record<string, string>>;
  /** A certificate that stands for the internet's, for destinations without a CA of their own. */
  readonly trust: string;
  /** Python that changes the module's constants first. */
  readonly shortTimes?: string;
}

/** The real relay in a separate process. Its files are the same as on a site, but in other folders. */
export class RelayProcess {
  /** The text that it wrote to its journal. */
  journal = "";
  private readonly ended: Promise<void>;

  private constructor(
    private readonly child: ChildProcess,
    folder: string,
  ) {
    const note = (part: Buffer) => (this.journal += part.toString());
    child.stdout?.on("data", note);
    child.stderr?.on("data", note);
    this.ended = new Promise((resolve) =>
      child.once("close", () => {
        rmSync(folder, { recursive: true, force: true });
        resolve();
      }),
    );
  }

  static start(setup: RelaySetup): RelayProcess {
    const { elasticsearchPort, kibanaPort, target, destinations, secrets, trust, shortTimes } = setup;
    const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-relay-"));
    const rulesFolder = join(folder, "rules");
    mkdirSync(rulesFolder);
    const place = {
      port: elasticsearchPort,
      kibanaPort,
      ca: undefined,
      rulesFolder,
      stateFolder: folder,
      runEverySeconds: 1,
    };
    writeFileSync(join(folder, "config.yaml"), renderRelayConfig(target, [], place));
    const rules = renderRelayRules({ destinations: [...destinations] }, target, []);
    for (const [name, rule] of Object.entries(rules)) writeFileSync(join(rulesFolder, `${name}.yaml`), rule);
    writeFileSync(join(folder, "secrets.json"), JSON.stringify({ destinations: secrets }));
    const [program, config] = [join(ROOT, "relay/siem_relay.py"), join(folder, "config.yaml")];
    const run = shortTimes === undefined ? [program] : ["-c", `${shortTimes}; siem_relay.main()`];
    const args = [...run, "--config", config, "--secrets", join(folder, "secrets.json")];
    const bundle = join(folder, "trust.pem");
    writeFileSync(bundle, trust);
    // `exec` replaces the shell by Python, so that the process id is the relay's.
    const child = spawn("bash", [join(ROOT, "relay/run.sh"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, REQUESTS_CA_BUNDLE: bundle },
    });
    return new RelayProcess(child, folder);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (this.running) this.child.kill(signal);
    await this.ended;
  }
}

/** Waits until a condition is true. At the deadline, throws an error with the condition and the relay's output. */
export async function until(
  what: string,
  is: () => boolean | Promise<boolean>,
  journal: () => string = () => "",
  seconds = 60,
): Promise<void> {
  await waitFor({ what, seconds, pauseMs: 100, details: () => `\n${journal().slice(-4000)}` }, is);
}
