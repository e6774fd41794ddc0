/** What is measured in the lab while floods run, and after them. */
import { KIBANA_PATH } from "../../../render/elastic";
import { searchBody } from "../../../kibana/es-query";
import { dslParams, type Params } from "../../../kibana/rule-params";
import { sendRequest, basicAuth } from "../../../connection/https";
import { ask, type Login, search } from "../../elasticsearch";
import { alertsSince, guessPasswords } from "../../attack";
import type { LabOutputs } from "../../outputs";
import { SIEM_ADDRESS } from "../../places";
import { field } from "../../report";
import { inContainer, until } from "../../shell";
import type { Measure } from "./limits";

type Peaks = Partial<Record<Measure, number>>;

/** Keeps the largest value of each measure. */
export class Worst {
  readonly peaks: Peaks = {};

  see(what: Measure, value: number): void {
    this.peaks[what] = Math.max(this.peaks[what] ?? 0, value);
  }

  add(what: Measure, value: number): void {
    this.peaks[what] = (this.peaks[what] ?? 0) + value;
  }
}

interface RuleOfKibana {
  readonly enabled: boolean;
  readonly params: { readonly searchType?: string };
}

/** Returns the params of the rules that Kibana runs and that this project can search as Kibana does. */
export async function runningRules({ superuser }: LabOutputs): Promise<Params[]> {
  const { status, body } = await ask(
    superuser,
    "GET",
    `${KIBANA_PATH}/api/alerting/rules/_find?per_page=1000`,
    undefined,
    5601,
    { "kbn-xsrf": "true" },
  );
  if (status !== 200) throw new Error(`Kibana's rules: ${status} ${JSON.stringify(body).slice(0, 300)}`);
  return (body as { data: RuleOfKibana[] }).data
    .filter(({ enabled, params }) => enabled && params.searchType !== "esqlQuery")
    .map(({ params }) => dslParams.parse(params));
}

/** Searches once as each rule does, and sees how long that takes, how much is answered, and what is refused. */
export async function searchAsRules(login: Login, rules: readonly Params[], worst: Worst): Promise<void> {
  const { name = "", password = "" } = login.user ?? {};
  for (const params of rules) {
    const started = process.hrtime.bigint();
    const { status, text } = await sendRequest({
      origin: `https://${SIEM_ADDRESS}:9200`,
      ca: login.caPem,
      method: "POST",
      path: `/${params.index.join(",")}/_search?allow_no_indices=true&ignore_unavailable=true`,
      headers: { authorization: basicAuth(name, password), "content-type": "application/json" },
      body: JSON.stringify(searchBody(params, null, new Date())),
      seconds: 60,
    }).catch((error: unknown) => ({ status: 0, text: String(error) }));
    worst.see("slowest search of a rule, in seconds", Number(process.hrtime.bigint() - started) / 1e9);
    worst.see("largest answer to a search of a rule, in MB", Buffer.byteLength(text) / 1e6);
    worst.add("searches that Elasticsearch refused", status === 200 ? 0 : 1);
  }
}

/** Sees how full Elasticsearch's heap is. */
export async function watchHeap(login: Login, worst: Worst): Promise<void> {
  const { body } = await ask(login, "GET", "/_nodes/stats/jvm?filter_path=**.heap_used_percent");
  const { nodes } = body as { nodes: Record<string, { jvm: { mem: { heap_used_percent: number } } }> };
  for (const { jvm } of Object.values(nodes)) {
    worst.see("Elasticsearch's heap in use, in percent", jvm.mem.heap_used_percent);
  }
}

/** Sees how much memory and how many open files the Filebeat of a container has. */
export async function watchFilebeat(container: string, worst: Worst): Promise<void> {
  const script =
    'pid=$(systemctl show -P MainPID filebeat); sed -n "s/^VmRSS:[^0-9]*\\([0-9]*\\) kB/\\1/p" /proc/$pid/status; ls /proc/$pid/fd | wc -l';
  const [kilobytes = NaN, files = NaN] = (await inContainer(container, ["sh", "-c", script]))
    .trim()
    .split("\n")
    .map(Number);
  worst.see("memory of a flooded machine's Filebeat, in MB", kilobytes / 1024);
  worst.see("open files of a flooded machine's Filebeat", files);
}

/** Returns which process Elasticsearch is: another one after each start. */
export async function elasticsearchProcess(): Promise<string> {
  const shown = await inContainer("siem", ["systemctl", "show", "-p", "MainPID,NRestarts", "elasticsearch"]);
  return shown.trim();
}

/** Writes one line into a container's journal and returns how long it takes until it can be found, in seconds. */
export async function trickle(container: string, { superuser, dataStream }: LabOutputs): Promise<number> {
  const message = `trickle ${process.pid} ${Date.now()}`;
  const started = Date.now();
  await inContainer(container, ["logger", "-t", "trickle", message]);
  await until(`"${message}"`, 300, async () => {
    const found = await search(superuser, dataStream, { match_phrase: { message } }, 1);
    return found[0];
  });
  return (Date.now() - started) / 1000;
}

/** Sends four wrong passwords and returns how long it takes until their alert is there, in seconds. */
export async function wrongPasswords({ superuser, alertIndex }: LabOutputs, user: string): Promise<number> {
  const started = Date.now();
  const since = await guessPasswords(user);
  await alertsSince(
    superuser,
    alertIndex,
    since,
    (alert) =>
      field(alert, "rule.name") === "Failed DHIS2 Logins for One User" && field(alert, "user.name") === user,
    300,
  );
  return (Date.now() - started) / 1000;
}
