import { randomBytes } from "node:crypto";
import { Listr, type ListrTask } from "listr2";
import { z } from "zod";
import { CANARY, CANARY_ALERT } from "../../core/names";
import { poll } from "../../core/wait";
import { ELASTICSEARCH_PORT } from "../../render/elastic";
import { CANARY_RULE_ID } from "../../render/relay";
import { type SendRequest, type Delivery, readDelivery } from "./server-facts";
import type { Finding } from "./finding";
import { requestSender, type DeployedStack, runBundle, type HostConnection } from "./gather-facts";
import { canaryBundle } from "./host-facts";

/** How many seconds each part of the canary may take. */
export interface Deadlines {
  readonly linesSeconds: number;
  readonly alertSeconds: number;
  readonly deliverySeconds: number;
}
/** Agents send within seconds; a rule runs once a minute; the relay polls every 15 seconds and does not group test alerts. */
const DEADLINES: Deadlines = { linesSeconds: 120, alertSeconds: 240, deliverySeconds: 240 };

export interface CanaryOptions {
  /** Whether progress is shown on the terminal. Default: no. */
  readonly progress?: boolean;
  readonly deadlines?: Deadlines;
}

/**
 * Writes a marked line in each container and follows it to the index. One of the lines matches the canary's rule: it is
 * followed to its alert and, if the stack has a relay, to every destination. Returns one finding for each part.
 * Throws if the host does not run the bundle that writes the lines.
 */
export async function runCanary(
  connection: HostConnection,
  deployed: DeployedStack,
  options: CanaryOptions = {},
): Promise<Finding[]> {
  const run = new CanaryRun(connection, deployed, options.deadlines ?? DEADLINES);
  const tasks: ListrTask[] = [
    { title: "a marked line from each container", task: () => run.writeLines() },
    { title: "the lines in the index", task: () => run.followLines() },
    { title: "the alert of one of them", task: () => run.followAlert() },
    {
      title: "the alert, delivered",
      enabled: run.destinations.length > 0,
      skip: () => (run.alertId === undefined ? "there is no alert" : false),
      task: () => run.followDelivery(),
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

class CanaryRun {
  readonly findings: Finding[] = [];
  /** The names of the relay's destinations; empty if the stack has no relay. */
  readonly destinations: readonly string[];
  alertId: string | undefined;
  private readonly token = randomBytes(8).toString("hex");
  private readonly send: SendRequest;
  private readonly names: string[];
  private written: string[] = [];

  constructor(
    private readonly connection: HostConnection,
    private readonly deployed: DeployedStack,
    private readonly deadlines: Deadlines,
  ) {
    this.send = requestSender(connection, deployed, ELASTICSEARCH_PORT);
    this.names = deployed.site.agents.map(({ name }) => name);
    const { destinations } = deployed.options.delivery;
    this.destinations = deployed.state.delivers ? destinations.map(({ name }) => name) : [];
  }

  async writeLines(): Promise<void> {
    const bundle = canaryBundle(this.deployed.options.lxdProject, this.names, {
      token: this.token,
      identifier: CANARY,
      alertIdentifier: CANARY_ALERT,
      alertContainer: this.deployed.site.proxy.name,
    });
    const writtenNames = (await runBundle(this.connection, this.deployed, bundle)).split("\n");
    this.written = this.names.filter((name) => writtenNames.includes(name));
    for (const name of this.names.filter((one) => !this.written.includes(one)))
      this.addFinding("problem", name, "no line could be written into its journal");
  }

  async followLines(): Promise<void> {
    const arrived = new Set<string>();
    const seconds = await this.pollUntil(this.deadlines.linesSeconds, async () => {
      const found = await this.search(this.deployed.state.dataStream, [
        { term: { "log.syslog.appname": CANARY } },
        { match_phrase: { message: this.token } },
      ]);
      for (const { source } of found) arrived.add(containerOf(source));
      return this.written.every((name) => arrived.has(name));
    });
    for (const name of this.written.filter((one) => !arrived.has(one))) {
      this.addFinding(
        "problem",
        name,
        `its line was not in the index after ${this.deadlines.linesSeconds} seconds`,
      );
    }
    if (seconds !== undefined && this.written.length > 0)
      this.addFinding(
        "ok",
        "lines",
        `a line of each of ${this.written.length} containers came within ${seconds} s`,
      );
  }

  async followAlert(): Promise<void> {
    if (!this.deployed.state.rules.some(({ id }) => id === CANARY_RULE_ID)) {
      const fix = "take detections.siem_canary out of the stack's config, then: pulumi up";
      this.addFinding("warning", "alert", "the canary's rule is switched off in the stack's config", fix);
      return;
    }
    const seconds = await this.pollUntil(this.deadlines.alertSeconds, async () => {
      const found = await this.search(this.deployed.state.alertIndex, [
        { term: { "rule.id": CANARY_RULE_ID } },
      ]);
      this.alertId = found.find(({ source }) => JSON.stringify(source).includes(this.token))?.id;
      return this.alertId !== undefined;
    });
    if (seconds === undefined)
      this.addFinding(
        "problem",
        "alert",
        `no rule made an alert of it within ${this.deadlines.alertSeconds} seconds`,
      );
    else this.addFinding("ok", "alert", `a rule made an alert of it within ${seconds} s`);
  }

  async followDelivery(): Promise<void> {
    const { alertId = "" } = this;
    const names = this.destinations;
    let found: Delivery[] = names.map((destination) => ({ destination, delivered: false }));
    const seconds = await this.pollUntil(this.deadlines.deliverySeconds, async () => {
      found = await Promise.all(names.map((name) => readDelivery(this.send, name, alertId)));
      return found.every(({ delivered }) => delivered);
    });
    for (const { destination, error: said } of found.filter(({ delivered }) => !delivered)) {
      const text = `the alert was not delivered within ${this.deadlines.deliverySeconds} seconds`;
      this.addFinding(
        "problem",
        `delivery to ${destination}`,
        said === undefined ? text : `${text}: ${said}`,
      );
    }
    if (seconds !== undefined)
      this.addFinding("ok", "delivery", `everybody got the alert within ${seconds} s, marked as a test`);
  }

  private addFinding(severity: Finding["severity"], subject: string, text: string, fix?: string): void {
    const defaultFix =
      severity === "ok" ? undefined : "run verify without --canary, and fix the problems that it reports";
    const shownFix = fix ?? defaultFix;
    this.findings.push({ check: "canary", severity, subject, text, ...(shownFix && { fix: shownFix }) });
  }

  /** Returns the newest documents; none if the index does not exist or the request fails. */
  private async search(
    index: string,
    filter: readonly object[],
  ): Promise<{ id: string; source: Record<string, unknown> }[]> {
    const { status, text } = await this.send("POST", `/${index}/_search?ignore_unavailable=true`, {
      size: 500,
      query: { bool: { filter: [...filter, { range: { "@timestamp": { gte: "now-1h" } } }] } },
      sort: [{ "@timestamp": { order: "desc", unmapped_type: "date" } }],
    });
    if (status !== 200) return [];
    return hits.parse(JSON.parse(text)).hits.hits.map(({ _id, _source }) => ({ id: _id, source: _source }));
  }

  /** Calls `probe` once a second, also after an error. Returns the seconds until it was true, or undefined after `seconds`. */
  private async pollUntil(seconds: number, probe: () => Promise<boolean>): Promise<number | undefined> {
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
