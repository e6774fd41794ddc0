import { randomBytes } from "node:crypto";
import { Listr, type ListrTask } from "listr2";
import { z } from "zod";
import { CANARY, CANARY_ALERT } from "../../core/names";
import { poll } from "../../core/wait";
import { ELASTICSEARCH_PORT } from "../../render/elastic";
import { CANARY_RULE } from "../../render/relay";
import { type Ask, type Delivery, deliveryOf } from "./elastic";
import type { Finding } from "./finding";
import { asker, type Known, runBundle, type Ways } from "./gather";
import { canaryBundle } from "./host-facts";

/** How long each part of the way may take, in seconds. */
export interface Deadlines {
  readonly lines: number;
  readonly alert: number;
  readonly delivery: number;
}
/** Agents send within seconds; a rule runs once a minute; the relay looks every 15 seconds, and groups no test. */
const DEADLINES: Deadlines = { lines: 120, alert: 240, delivery: 240 };

export interface CanaryOptions {
  /** Whether progress is shown. */
  readonly progress?: boolean;
  readonly deadlines?: Deadlines;
}

/**
 * The closed loop: a marked line from each container, followed until it is in the index, and one through a rule, until
 * its alert is there and, where the stack delivers, delivered. Throws where the lines cannot be written at all.
 */
export async function canary(ways: Ways, known: Known, options: CanaryOptions = {}): Promise<Finding[]> {
  const run = new Run(ways, known, options.deadlines ?? DEADLINES);
  const tasks: ListrTask[] = [
    { title: "a marked line from each container", task: () => run.write() },
    { title: "the lines in the index", task: () => run.lines() },
    { title: "the alert of one of them", task: () => run.alert() },
    {
      title: "the alert, delivered",
      enabled: run.destinations.length > 0,
      skip: () => (run.alertId === undefined ? "there is no alert" : false),
      task: () => run.delivery(),
    },
  ];
  const list = options.progress
    ? new Listr(tasks)
    : new Listr(tasks, { renderer: "silent", fallbackRenderer: "silent" });
  await list.run();
  return run.findings;
}

const hits = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string(), _source: z.looseObject({}) })) }),
});

class Run {
  readonly findings: Finding[] = [];
  /** The names of those that the stack's relay delivers to. */
  readonly destinations: readonly string[];
  alertId: string | undefined;
  private readonly token = randomBytes(8).toString("hex");
  private readonly ask: Ask;
  private readonly names: string[];
  private written: string[] = [];

  constructor(
    private readonly ways: Ways,
    private readonly known: Known,
    private readonly deadlines: Deadlines,
  ) {
    this.ask = asker(ways, known, ELASTICSEARCH_PORT);
    this.names = known.site.agents.map(({ name }) => name);
    const { destinations } = known.options.delivery;
    this.destinations = known.state.delivers ? destinations.map(({ name }) => name) : [];
  }

  async write(): Promise<void> {
    const bundle = canaryBundle(this.known.options.lxdProject, this.names, {
      token: this.token,
      identifier: CANARY,
      alertIdentifier: CANARY_ALERT,
      alertContainer: this.known.site.proxy.name,
    });
    const said = (await runBundle(this.ways, this.known, bundle)).split("\n");
    this.written = this.names.filter((name) => said.includes(name));
    for (const name of this.names.filter((one) => !this.written.includes(one)))
      this.say("problem", name, "no line could be written into its journal");
  }

  async lines(): Promise<void> {
    const arrived = new Set<string>();
    const seconds = await this.until(this.deadlines.lines, async () => {
      const found = await this.search(this.known.state.dataStream, [
        { term: { "log.syslog.appname": CANARY } },
        { match_phrase: { message: this.token } },
      ]);
      for (const { source } of found) arrived.add(containerOf(source));
      return this.written.every((name) => arrived.has(name));
    });
    for (const name of this.written.filter((one) => !arrived.has(one))) {
      this.say("problem", name, `its line was not in the index after ${this.deadlines.lines} seconds`);
    }
    if (seconds !== undefined && this.written.length > 0)
      this.say("ok", "lines", `a line of each of ${this.written.length} containers came within ${seconds} s`);
  }

  async alert(): Promise<void> {
    if (!this.known.state.rules.some(({ id }) => id === CANARY_RULE)) {
      const mend = "take detections.siem_canary out of the stack's config, then: pulumi up";
      this.say("warning", "alert", "the canary's rule is switched off in the stack's config", mend);
      return;
    }
    const seconds = await this.until(this.deadlines.alert, async () => {
      const found = await this.search(this.known.state.alertIndex, [{ term: { "rule.id": CANARY_RULE } }]);
      this.alertId = found.find(({ source }) => JSON.stringify(source).includes(this.token))?.id;
      return this.alertId !== undefined;
    });
    if (seconds === undefined)
      this.say("problem", "alert", `no rule made an alert of it within ${this.deadlines.alert} seconds`);
    else this.say("ok", "alert", `a rule made an alert of it within ${seconds} s`);
  }

  async delivery(): Promise<void> {
    const { alertId = "" } = this;
    const names = this.destinations;
    let found: Delivery[] = names.map((destination) => ({ destination, delivered: false }));
    const seconds = await this.until(this.deadlines.delivery, async () => {
      found = await Promise.all(names.map((name) => deliveryOf(this.ask, name, alertId)));
      return found.every(({ delivered }) => delivered);
    });
    for (const { destination, said } of found.filter(({ delivered }) => !delivered)) {
      const text = `the alert was not delivered within ${this.deadlines.delivery} seconds`;
      this.say("problem", `delivery to ${destination}`, said === undefined ? text : `${text}: ${said}`);
    }
    if (seconds !== undefined)
      this.say("ok", "delivery", `everybody got the alert within ${seconds} s, marked as a test`);
  }

  private say(severity: Finding["severity"], subject: string, text: string, mend?: string): void {
    const look = "run verify without --canary, and mend what it finds";
    const mending = mend ?? (severity === "ok" ? undefined : look);
    this.findings.push({ check: "canary", severity, subject, text, ...(mending && { mend: mending }) });
  }

  /** The newest documents; none where the index is not there or does not answer. */
  private async search(
    index: string,
    filter: readonly object[],
  ): Promise<{ id: string; source: Record<string, unknown> }[]> {
    const { status, text } = await this.ask("POST", `/${index}/_search?ignore_unavailable=true`, {
      size: 500,
      query: { bool: { filter: [...filter, { range: { "@timestamp": { gte: "now-1h" } } }] } },
      sort: [{ "@timestamp": { order: "desc", unmapped_type: "date" } }],
    });
    if (status !== 200) return [];
    return hits.parse(JSON.parse(text)).hits.hits.map(({ _id, _source }) => ({ id: _id, source: _source }));
  }

  /** Asks once a second; gives the seconds that it took, or undefined when the time is over. A server that does not answer is asked again. */
  private async until(seconds: number, probe: () => Promise<boolean>): Promise<number | undefined> {
    const started = Date.now();
    return poll({ seconds, pauseMs: 1000 }, async () => {
      const took = (Date.now() - started) / 1000;
      return (await probe().catch(() => false)) ? Math.ceil(took) : undefined;
    });
  }
}

function containerOf(source: Record<string, unknown>): string {
  const nested = z
    .object({ dhis2: z.object({ container: z.object({ name: z.string() }) }) })
    .safeParse(source).data;
  return nested?.dhis2.container.name ?? "";
}
