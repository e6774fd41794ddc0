/**
 * `npm run -s alert -- test STACK [--identity FILE] [--cwd FOLDER]`: writes a marked alert into the alert index, and waits
 * until the relay has delivered it to every destination. Exit code: 0 delivered everywhere, 1 not, 2 wrong usage.
 */
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import { ELASTICSEARCH_PORT } from "../render/elastic";
import { TEST_RULE } from "../render/relay";
import { failed, finish, type Said } from "./outcome";
import { connectBySsh, pulumiCli, readKnown, type Connect, type Pulumi } from "./verify";
import { asker } from "./verify/gather";
import { type Ask, type Delivery, deliveryOf } from "./verify/elastic";

const ROOT = join(__dirname, "..");
const USAGE = "usage: npm run -s alert -- test STACK [--identity FILE] [--cwd FOLDER]";
/** The relay looks every 15 seconds, and a destination may take 30. */
const DEADLINE_S = 120;

const created = z.object({ _id: z.string() });

/** An alert as a rule's connector writes it, marked as a test for the relay and for who reads it. */
export function testAlert(now: Date): object {
  return {
    "@timestamp": now.toISOString(),
    rule: {
      id: TEST_RULE,
      name: "Test of the delivery, nothing happened",
      description: "Somebody ran: npm run alert -- test",
    },
    dhis2: {
      alert: {
        id: TEST_RULE,
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

/** Sends a test alert the whole way and waits for each destination's delivery, at most `seconds`. Throws where Elasticsearch does not take it. */
export async function sendTest(
  ask: Ask,
  alertIndex: string,
  destinations: readonly string[],
  seconds = DEADLINE_S,
): Promise<Delivery[]> {
  const { status, text } = await ask("POST", `/${alertIndex}/_doc?refresh=true`, testAlert(new Date()));
  if (status !== 201)
    throw new Error(`Elasticsearch does not take the alert (${status}): ${text.slice(0, 200)}`);
  const { _id } = created.parse(JSON.parse(text));
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await Promise.all(destinations.map((destination) => deliveryOf(ask, destination, _id)));
    if (found.every(({ delivered }) => delivered) || Date.now() > deadline) return found;
    await sleep(Math.min(1000, seconds * 1000));
  }
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { identity: { type: "string" }, cwd: { type: "string", default: ROOT } },
  });

/** The whole command but for its process. */
export async function main(
  args: readonly string[],
  replaced: {
    readonly pulumi?: Pulumi;
    readonly connect?: Connect;
    readonly seconds?: number;
    /** Where it says what it waits for. */
    readonly note?: (line: string) => void;
  } = {},
): Promise<Said<0 | 1 | 2>> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return failed(error, 2, USAGE);
  }
  const { values, positionals } = parsed;
  const [command, stack, ...more] = positionals;
  if (command !== "test" || stack === undefined || more.length > 0) return failed(USAGE, 2);
  try {
    const pulumi = replaced.pulumi ?? pulumiCli(resolve(values.cwd));
    const { ssh, ...known } = await readKnown(stack, pulumi, values.identity);
    const names = known.options.delivery.destinations.map(({ name }) => name);
    if (!known.state.delivers || names.length === 0) {
      throw new Error("this stack has no relay: set dhis2-siem:delivery (docs/delivery.md), then pulumi up");
    }
    const { close, ...ways } = await (replaced.connect ?? connectBySsh)(ssh, known.options.access);
    try {
      const ask = asker(ways, known, ELASTICSEARCH_PORT);
      replaced.note?.(`sending a test alert to ${names.join(", ")}; this takes up to two minutes`);
      const found = await sendTest(ask, known.state.alertIndex, names, replaced.seconds);
      return report(found);
    } finally {
      close();
    }
  } catch (error) {
    return failed(error, 1);
  }
}

function report(found: readonly Delivery[]): Said<0 | 1> {
  const lines = found.map(({ destination, delivered, said }) => {
    if (delivered) return `${destination}: delivered`;
    return `${destination}: not delivered yet${said === undefined ? "; does the relay run?" : `, tried again and again: ${said}`}`;
  });
  const code = found.every(({ delivered }) => delivered) ? 0 : 1;
  return { stdout: lines.map((line) => `${line}\n`).join(""), stderr: "", code };
}

if (require.main === module) {
  void finish(main(process.argv.slice(2), { note: (line) => console.error(line) }));
}
