/**
 * The process that holds the forward. The program cannot hold it, because the engine still deletes resources
 * after the program has ended or was interrupted. The helper lives as long as the engine: it holds an idle HTTP/2 connection
 * to the engine's gRPC address (the engine cuts a plain TCP connection after two minutes), and ends when that closes.
 *
 * It reads one JSON document (HelperRequest) from stdin and writes one line (HelperReport) to stdout.
 */
import { writeSync } from "node:fs";
import { connect } from "node:http2";
import { text } from "node:stream/consumers";
import { errorText } from "../core/errors";
import type { HelperReport, HelperRequest } from "./forward";
import { claimPorts, serveForward } from "./ports";
import { problems, ConnectionError } from "./problems";
import { connectSsh, openChannel, serverName } from "./ssh";

/** Resolves once the engine has answered; from then on, the process ends with the engine. */
function holdLifeline(engine: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const noEngine = () => reject(new ConnectionError(problems.noEngine(engine)));
    if (!URL.canParse(`http://${engine}`)) return noEngine();
    const session = connect(`http://${engine}`);
    const timer = setTimeout(noEngine, 10_000);
    session.on("error", noEngine);
    session.once("close", noEngine);
    session.once("remoteSettings", () => {
      clearTimeout(timer);
      session.once("close", () => process.exit());
      resolve();
    });
  });
}

/** Opens the forwards that are not open yet. The ports are bound last, so a port that listens also works. */
async function open({ engine, label, ssh, targets }: HelperRequest): Promise<"holding" | "nothing to hold"> {
  await holdLifeline(engine);
  const me = { engine, label };
  const free = await claimPorts(targets, me);
  if (free.length === 0) return "nothing to hold";
  const client = await connectSsh(ssh);
  client.once("close", () => process.exit());
  const at = serverName("host", ssh);
  await Promise.all(free.map(async (target) => (await openChannel(client, at, target)).destroy()));
  await Promise.all(free.map((target) => serveForward(client, target, me)));
  return "holding";
}

function report(line: HelperReport): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

async function main(): Promise<void> {
  // After Ctrl-C, or if the terminal is closed, the engine ends its work in order and still needs the forward.
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
  try {
    const outcome = await open(JSON.parse(await text(process.stdin)) as HelperRequest);
    report({ open: true });
    if (outcome === "nothing to hold") process.exit();
  } catch (error) {
    report({ open: false, problem: errorText(error) });
    process.exit(1);
  }
}

void main();
