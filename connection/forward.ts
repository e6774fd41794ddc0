import { spawn, type ChildProcessByStdio } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import * as pulumi from "@pulumi/pulumi";
import { ROOT } from "../core/root";
import { problems } from "./problems";
import type { SshRequest } from "../config/ssh";

/** A loopback port, and the server behind the SSH host that it leads to. */
export interface ForwardTarget {
  readonly localPort: number;
  readonly host: string;
  readonly port: number;
  /** The CA of the server's certificate, to recognise a forward that was opened by hand; undefined until the CA is known. */
  readonly tls?: { readonly caPem: string };
}

/** What is needed to open a forward. */
export interface ForwardRequest {
  readonly ssh: SshRequest;
  readonly targets: readonly ForwardTarget[];
  /** The stack's name: it identifies the owner of a forward. */
  readonly label: string;
}

/** The helper's input. `engine` is the gRPC address of the engine; the helper ends when the engine ends. */
export interface HelperRequest extends ForwardRequest {
  readonly engine: string;
}

/** The helper's only line of output. */
export type HelperReport = { readonly open: true } | { readonly open: false; readonly problem: string };

const DEADLINE_S = 60;

/**
 * Opens the forward for as long as the engine lives; resolves when every target's port leads to its server.
 * Throws a pulumi.RunError with one line (the texts are in problems.ts).
 */
export async function openForward(request: ForwardRequest): Promise<void> {
  const report = await startHelper({ ...request, engine: engineAddress() });
  if (!report.open) throw errorWithoutStack(report.problem);
}

/**
 * Returns a RunError without a stack trace. The SDK shows no stack trace of it, but formats one for every output that waits.
 * With a stack trace the program took half a minute to end (seen with 82 resources), without it a few seconds.
 */
export function errorWithoutStack(problem: string): pulumi.RunError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new pulumi.RunError(problem);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Returns the address of the engine's gRPC server, as `host:port`; an empty text if no engine runs the program. */
function engineAddress(): string {
  // This is a gRPC client, which knows its address, but the SDK's type does not show it.
  const engine = pulumi.runtime.getEngine() as unknown as GrpcClient | undefined;
  return (
    engine
      ?.getChannel()
      .getTarget()
      .replace(/^dns:\/*/, "") ?? ""
  );
}

interface GrpcClient {
  getChannel(): { getTarget(): string };
}

/** Starts the helper and returns its report. A helper that holds a forward keeps running, and this process can end before it. */
export async function startHelper(request: HelperRequest): Promise<HelperReport> {
  const { SSH_AUTH_SOCK } = process.env;
  const child = spawn(
    process.execPath,
    ["-r", join(ROOT, "core/register.js"), join(__dirname, "helper.ts")],
    {
      cwd: "/",
      // A session of its own, so that Ctrl-C and signals to the program's process group do not end the helper.
      detached: true,
      // No other variables: the program's environment has the stack's passphrase and secrets. ts-node needs its config's path.
      env: { TS_NODE_PROJECT: join(ROOT, "tsconfig.json"), ...(SSH_AUTH_SOCK ? { SSH_AUTH_SOCK } : {}) },
      stdio: ["pipe", "pipe", "ignore"],
    },
  );
  const timer = setTimeout(() => child.kill(), DEADLINE_S * 1000);
  try {
    return await exchange(child, request);
  } finally {
    clearTimeout(timer);
    child.stdin.destroy();
    child.stdout.destroy();
    child.unref();
  }
}

function exchange(
  child: ChildProcessByStdio<Writable, Readable, null>,
  request: HelperRequest,
): Promise<HelperReport> {
  return new Promise((resolve) => {
    const fail = (problem: string) => resolve({ open: false, problem });
    createInterface(child.stdout).once("line", (line) => resolve(JSON.parse(line) as HelperReport));
    child.once("error", (error) => fail(problems.helperEnded(error.message)));
    child.once("close", (code, signal) =>
      fail(
        child.killed
          ? problems.helperSilent(DEADLINE_S)
          : problems.helperEnded(`${signal ?? `exit code ${code}`}`),
      ),
    );
    // A helper that is already gone is reported by its exit.
    child.stdin.on("error", () => undefined);
    child.stdin.end(JSON.stringify(request));
  });
}
