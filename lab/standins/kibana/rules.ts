/** Rules: kept with an API key of who saved them, and run on their schedule against Elasticsearch. */
import { randomUUID } from "node:crypto";
import { advance, type Firing, type Json, matches, searchBody } from "../../../tools/detections/es-query";
import { milliseconds } from "../../../tools/detections/lines";
import { dslParams, esqlParams } from "../../../tools/detections/params";
import type { Login } from "./api";
import { type Elasticsearch, reason } from "./elasticsearch";
import { check, Refusal, ruleCreate, ruleUpdate } from "./schemas";
import type { Settings } from "./settings";
import type { Rule, Store } from "./store";
import { renderAll, variables } from "./templates";

/** The parts of a Kibana that runs. */
export interface Kibana {
  readonly settings: Settings;
  readonly store: Store;
  readonly elasticsearch: Elasticsearch;
  readonly log: (line: string) => void;
}

/** A rule as the API shows it. */
export function showRule({ kept: { alerts, lastRun }, ...rule }: Rule): Json {
  const { error, warning } = lastRun ?? {};
  const active = Object.keys(alerts).length > 0;
  return {
    ...rule,
    mute_all: false,
    muted_alert_ids: [],
    running: false,
    scheduled_task_id: rule.id,
    execution_status: {
      status: error ? "error" : warning ? "warning" : active ? "active" : lastRun ? "ok" : "pending",
      last_execution_date: lastRun?.at ?? rule.created_at,
      ...(error && { error: { reason: "execute", message: error } }),
      // The real one shows a failed action in its event log only.
      ...(warning && { warning: { reason: "actionFailed", message: warning } }),
    },
  };
}

/** A rule's body with the defaults of its params; its connectors have to be there. */
function checked<T extends Pick<Rule, "params" | "actions">>({ store }: Kibana, body: T): T {
  for (const { id } of body.actions)
    if (!store.has("action", id))
      throw new Refusal(400, `Failed to load action ${id} (404): Saved object [action/${id}] not found`);
  const schema = body.params.searchType === "esqlQuery" ? esqlParams : dslParams;
  return { ...body, params: check(schema, body.params, "", "params invalid: ") };
}

/** An API key with the rights of the user who saves a rule. */
async function makeKey(
  { elasticsearch }: Kibana,
  name: string,
  { username, password }: Login,
): Promise<string> {
  const answer = await elasticsearch.call("POST", "/_security/api_key/grant", elasticsearch.own, {
    grant_type: "password",
    username,
    password,
    api_key: { name: `Alerting: .es-query/${name}` },
  });
  if (answer.status !== 200) throw new Refusal(400, `Error creating rule: ${reason(answer)}`);
  return `${String(answer.body.id)}:${String(answer.body.api_key)}`;
}

async function withdrawKey({ elasticsearch }: Kibana, { kept }: Rule): Promise<void> {
  const ids = kept.apiKey.split(":").slice(0, 1);
  await elasticsearch.call("DELETE", "/_security/api_key", elasticsearch.own, { ids });
}

export async function createRule(kibana: Kibana, id: string, body: unknown, login: Login): Promise<Json> {
  const wanted = checked(kibana, check(ruleCreate, body, "request body"));
  if (wanted.rule_type_id !== ".es-query")
    throw new Refusal(400, `Rule type "${wanted.rule_type_id}" is not registered.`);
  kibana.store.mustBeNew("alert", id);
  const now = new Date().toISOString();
  const apiKey = await makeKey(kibana, wanted.name, login);
  const kept = { apiKey, alerts: {}, seenUntil: null, nextRun: 0, lastRun: null };
  const rule: Rule = { ...wanted, id, revision: 0, created_at: now, kept };
  kibana.store.state.alert[id] = rule;
  kibana.store.save();
  return showRule(rule);
}

export async function updateRule(kibana: Kibana, id: string, body: unknown, login: Login): Promise<Json> {
  const rule = kibana.store.find("alert", id);
  const changes = checked(kibana, check(ruleUpdate, body, "request body"));
  const apiKey = await makeKey(kibana, changes.name, login);
  await withdrawKey(kibana, rule);
  Object.assign(rule, changes, { revision: rule.revision + 1 });
  rule.kept.apiKey = apiKey;
  kibana.store.save();
  return showRule(rule);
}

export async function deleteRule(kibana: Kibana, id: string): Promise<void> {
  const rule = kibana.store.find("alert", id);
  kibana.store.remove("alert", id);
  await withdrawKey(kibana, rule);
}

/** Writes what one action says. Throws with Kibana's words when it fails; nobody tries it again. */
async function act(
  { store, elasticsearch }: Kibana,
  { action }: Firing<Rule["actions"][number]>,
  values: Json,
  auth: string,
): Promise<void> {
  const { index, refresh, executionTimeField } = store.find("action", action.id).config;
  const time = executionTimeField === null ? {} : { [executionTimeField]: values.date };
  const lines = renderAll(action.params, values).documents.flatMap((document) => [
    { index: { op_type: "create" } },
    { ...document, ...time },
  ]);
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const path = `/${encodeURIComponent(index)}/_bulk?refresh=${refresh}`;
  const answer = await elasticsearch.call("POST", path, auth, body);
  if (answer.status !== 200) throw new Error(`error indexing documents: ${reason(answer)}`);
  const items = answer.body.items as { create: { error?: { reason: string } } }[];
  const failures = items.flatMap(({ create }) => create.error?.reason ?? []);
  if (failures.length) throw new Error(`error indexing documents: ${failures.join(";")}`);
}

/** Runs a rule once; gives what went wrong with its actions. */
async function execute(kibana: Kibana, rule: Rule, now: Date): Promise<string[]> {
  const { kept } = rule;
  if (rule.params.searchType === "esqlQuery") throw new Error("this Elasticsearch has no ES|QL");
  const params = dslParams.parse(rule.params);
  const auth = `ApiKey ${Buffer.from(kept.apiKey).toString("base64")}`;
  const indices = params.index.map(encodeURIComponent).join(",");
  const path = `/${indices}/_search?allow_no_indices=true&ignore_unavailable=true`;
  const answer = await kibana.elasticsearch.call("POST", path, auth, searchBody(params, kept.seenUntil, now));
  if (answer.status !== 200) throw new Error(reason(answer));
  const found = matches(params, answer.body);
  const { alerts, firings } = advance(rule.actions, kept.alerts, found.matches, now, randomUUID);
  kept.alerts = alerts;
  kept.seenUntil = found.seenUntil ?? kept.seenUntil;
  const warnings: string[] = [];
  for (const firing of firings) {
    const { alert, match } = firing;
    const values = variables(rule, alert, match, now, kibana.settings["server.publicBaseUrl"]);
    await act(kibana, firing, values, auth).catch((error: Error) => warnings.push(error.message));
  }
  return warnings;
}

async function run(kibana: Kibana, rule: Rule, now: Date): Promise<void> {
  rule.kept.nextRun = now.getTime() + milliseconds(rule.schedule.interval);
  const outcome = await execute(kibana, rule, now).then(
    (warnings) => (warnings.length > 0 ? { warning: warnings.join("; ") } : {}),
    (error: Error) => ({ error: error.message }),
  );
  for (const text of Object.values(outcome)) kibana.log(`rule ${rule.id} "${rule.name}": ${text}`);
  rule.kept.lastRun = { at: now.toISOString(), ...outcome };
  kibana.store.save();
}

/** Gives a function to call again and again: it runs the rules that are due, each once at a time. */
export function scheduler(kibana: Kibana): (now: Date) => Promise<void> {
  const running = new Set<Rule>();
  return async (now) => {
    const isDue = (rule: Rule) => rule.enabled && !running.has(rule) && rule.kept.nextRun <= now.getTime();
    if (!Object.values(kibana.store.state.alert).some(isDue) || !(await kibana.elasticsearch.isReady()))
      return;
    const due = Object.values(kibana.store.state.alert).filter(isDue);
    const ended = due.map(
      (rule) => (running.add(rule), run(kibana, rule, now).finally(() => running.delete(rule))),
    );
    await Promise.all(ended);
  };
}
