/** `npm run -s alert -- test STACK`: sends a test alert through the relay to every destination. */
import { resolve } from "node:path";
import { z } from "zod";
import { ROOT } from "../core/root";
import { poll } from "../core/wait";
import { ELASTICSEARCH_PORT } from "../render/elastic";
import { TEST_RULE_ID } from "../render/relay";
import { runCommand } from "./command-line";
import { finish, type Outcome } from "./outcome";
import { connectBySsh, pulumiCli, readDeployedStack, type ConnectToHost, type RunPulumi } from "./verify";
import { requestSender } from "./verify/gather-facts";
import { type SendRequest, type Delivery, readDelivery } from "./verify/server-facts";

/** The relay polls every 15 seconds, and a destination may take 30 seconds. */
const DEADLINE_S = 120;

const created = z.object({ _id: z.string() });

/** Returns an alert as a rule's connector writes it, marked as a test for the relay and for its readers. */
export function testAlert(now: Date): object {
  return {
    "@timestamp": now.toISOString(),
    rule: {
      id: TEST_RULE_ID,
      name: "Test of the delivery, nothing happened",
      description: "Somebody ran: npm run alert -- test",
    },
    dhis2: {
      alert: {
        id: TEST_RULE_ID,
        severity: "informational",
        entity: "the SIEM itself",
        count: "1",
        threshold: ">= 1",
        window: "1m",
        note: "This is a test: nothing happened, and nothing is to be done.",
        events: "[]",
      },
    },
  };
}

/**
 * Writes a test alert and returns its delivery to each destination, after at most `seconds`. Throws if Elasticsearch does
 * not accept the alert.
 */
export async function sendTestAlert(
  send: SendRequest,
  alertIndex: string,
  destinations: readonly string[],
  seconds = DEADLINE_S,
): Promise<Delivery[]> {
  const { status, text } = await send("POST", `/${alertIndex}/_doc?refresh=true`, testAlert(new Date()));
  if (status !== 201)
    throw new Error(`Elasticsearch does not take the alert (${status}): ${text.slice(0, 200)}`);
  const { _id } = created.parse(JSON.parse(text));
  let found: Delivery[] = [];
  await poll({ seconds, pauseMs: 1000 }, async () => {
    found = await Promise.all(destinations.map((destination) => readDelivery(send, destination, _id)));
    return found.every(({ delivered }) => delivered);
  });
  return found;
}

/** Replacements for tests. */
export interface AlertTestOptions {
  readonly pulumi?: RunPulumi;
  readonly connect?: ConnectToHost;
  /** The time limit for the deliveries. Default: 120. */
  readonly seconds?: number;
  /** Gets a line about what is being waited for. */
  readonly onProgress?: (line: string) => void;
}

interface Options {
  readonly identity?: string;
  readonly cwd: string;
}

/** Runs the command and returns its output and exit code: 0 delivered everywhere, 1 not, 2 wrong usage. */
export async function main(args: readonly string[], replaced: AlertTestOptions = {}): Promise<Outcome> {
  const text = {
    name: "alert",
    description:
      "Tries the delivery of alerts. Exit code: 0 delivered to every destination, 1 not, 2 wrong usage.",
    examples: [["test prod", "send a test alert to every destination of the stack prod"]],
  } as const;
  return runCommand(args, text, (command, action) => {
    command
      .command("test")
      .description(
        "Writes an alert that is marked as a test into the alert index, and waits until the relay has delivered it.",
      )
      .argument("<stack>", "the Pulumi stack, such as prod")
      .option(
        "--identity <file>",
        "the SSH private key to log in with (default: the config's, else the agent's)",
      )
      .option("--cwd <folder>", "the folder of the stack's Pulumi.yaml", ROOT)
      .action(action((stack: string, options: Options) => test(stack, options, replaced)));
  });
}

async function test(stack: string, { identity, cwd }: Options, replaced: AlertTestOptions): Promise<Outcome> {
  const pulumi = replaced.pulumi ?? pulumiCli(resolve(cwd));
  const { ssh, ...deployed } = await readDeployedStack(stack, pulumi, identity);
  const names = deployed.options.delivery.destinations.map(({ name }) => name);
  if (!deployed.state.delivers || names.length === 0) {
    throw new Error("this stack has no relay: set dhis2-siem:delivery (docs/delivery.md), then pulumi up");
  }
  const { close, ...connection } = await (replaced.connect ?? connectBySsh)(ssh, deployed.options.access);
  try {
    const send = requestSender(connection, deployed, ELASTICSEARCH_PORT);
    replaced.onProgress?.(`sending a test alert to ${names.join(", ")}; this takes up to two minutes`);
    return report(await sendTestAlert(send, deployed.state.alertIndex, names, replaced.seconds));
  } finally {
    close();
  }
}

function report(found: readonly Delivery[]): Outcome {
  const lines = found.map(({ destination, delivered, error }) => {
    if (delivered) return `${destination}: delivered`;
    return `${destination}: not delivered yet${error === undefined ? "; does the relay run?" : `, tried again and again: ${error}`}`;
  });
  const code = found.every(({ delivered }) => delivered) ? 0 : 1;
  return { stdout: lines.map((line) => `${line}\n`).join(""), stderr: "", code };
}

if (require.main === module) {
  void finish(main(process.argv.slice(2), { onProgress: (line) => console.error(line) }));
}
