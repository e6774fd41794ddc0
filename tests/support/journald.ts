import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { waitFor } from "../../core/wait";

const JOURNALD = "/lib/systemd/systemd-journald";

/** A real journald beside the machine's own: it has its own sockets and its own journal (a namespace of journald's). */
export class Journald {
  readonly folder: string;
  private readonly sockets: string;
  private readonly settings: string;
  private running: ChildProcess | undefined;
  private stream: Socket | undefined;

  /** @param name its namespace, such as "siem-test" */
  constructor(readonly name: string) {
    this.sockets = `/run/systemd/journal.${name}`;
    this.settings = `/etc/systemd/journald@${name}.conf`;
    this.folder = `/var/log/journal/${readFileSync("/etc/machine-id", "utf8").trim()}.${name}`;
  }

  /** Why there can be none on this machine; undefined where there can be one. */
  static missing(): string | undefined {
    if (process.getuid?.() !== 0) return "not root";
    if (!existsSync(JOURNALD) || !existsSync("/etc/machine-id")) return "no systemd-journald";
    return spawnSync("logger", ["--version"]).status === 0 ? undefined : "no logger";
  }

  /** Starts it with the text of a journald.conf. */
  async start(settings: string): Promise<void> {
    writeFileSync(this.settings, settings);
    this.running = spawn(JOURNALD, [this.name], { stdio: "ignore" });
    await waitFor({ what: "journald's socket", seconds: 10, pauseMs: 50 }, () =>
      existsSync(`${this.sockets}/stdout`),
    );
    // Without a stream such a journald ends after some seconds.
    this.stream = connect(`${this.sockets}/stdout`);
    this.stream.on("error", () => undefined);
    this.stream.write("keep\n\n6\n0\n0\n0\n0\n");
  }

  /** Writes lines with `logger`, as a user, through the socket that /dev/log is. */
  log(lines: readonly string[], { uid = 0, identifier = "test" } = {}): void {
    const { status, stderr } = spawnSync(
      "setpriv",
      [
        ...["--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"],
        ...["logger", "--socket", `${this.sockets}/dev-log`, "--socket-errors=on", "-t", identifier],
        ...["--size", "200KiB"],
      ],
      { input: lines.map((line) => `${line}\n`).join(""), encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`logger failed: ${stderr}`);
  }

  /** Writes to its stdout socket, as a service's output does. */
  async print(text: string, identifier = "service"): Promise<void> {
    const stream = connect(`${this.sockets}/stdout`);
    await new Promise<void>((resolve, reject) => {
      stream.on("error", reject);
      stream.end(`${identifier}\n\n6\n0\n0\n0\n0\n${text}`, () => resolve());
    });
  }

  /** Its entries, as `journalctl -o json` prints them, oldest first. */
  entries(...args: string[]): Record<string, string>[] {
    const { stdout } = spawnSync(
      "journalctl",
      [`--namespace=${this.name}`, "--all", "-q", "-o", "json", ...args],
      { encoding: "utf8", maxBuffer: 1 << 30 },
    );
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, string>);
  }

  /** Ends it and removes what it wrote. */
  async stop(): Promise<void> {
    this.stream?.destroy();
    const { running } = this;
    if (running?.exitCode === null && running.kill()) {
      await new Promise((resolve) => running.once("exit", resolve));
    }
    for (const path of [this.folder, this.sockets, this.settings]) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}
