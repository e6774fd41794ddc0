/** Rules: kept with an API key of who saved them, and run on their schedule against Elasticsearch. */
import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { auth as loginOf } from "hono/utils/basic-auth";
import { advance, type Json, matches, searchBody } from "../../../tools/detections/es-query";
import { milliseconds } from "../../../tools/detections/lines";
import { dslParams, esqlParams } from "../../../tools/detections/params";
import { ruleCreate, ruleUpdate } from "../../../tools/detections/rule";
import { renderAll, variables } from "../../../tools/detections/templates";
import { reason } from "./elasticsearch";
import type { Kibana, Rule } from "./saved";
import { check, checkBody, refuse } from "./schemas";

/** A rule as the API shows it. */
export function showRule(rule: Rule): object {
  const none = { mute_all: false, muted_alert_ids: [], running: false };
  return { ...rule, kept: undefined, scheduled_task_id: rule.id, ...none };
}

/** A rule as it is saved: with its defaults, and with an API key that may do what the user may who saves it. */
export async function acceptRule(kibana: Kibana, c: Context, id: string, old?: Rule): Promise<Rule> {
  const { connectors, elasticsearch } = kibana;
  const rule = old
    ? { ...old, ...(await checkBody(ruleUpdate, c)), revision: old.revision + 1 }
    : { ...(await checkBody(ruleCreate, c)), revision: 0 };
  if (rule.rule_type_id !== ".es-query") refuse(400, `Rule type "${rule.rule_type_id}" is not registered.`);
  const missing = rule.actions.find((action) => !connectors.has(action.id))?.id;
  if (missing)
    refuse(400, `Failed to load action ${missing} (404): Saved object [action/${missing}] not found`);
  const schema = rule.params.searchType === "esqlQuery" ? esqlParams : dslParams;
  const params = check(schema, rule.params, "params invalid: [");
  const answer = await elasticsearch.call("POST", "/_security/api_key/grant", elasticsearch.own, {
    grant_type: "password",
    ...loginOf(c.req.raw),
    api_key: { name: `Alerting: .es-query/${rule.name}` },
  });
  if (answer.status !== 200) refuse(400, `Error creating rule: ${reason(answer)}`);
  const execution_status = { status: "pending", last_execution_date: new Date().toISOString() };
  // What the old one keeps may have changed in between: it runs on.
  const kept = old?.kept ?? { auth: "", alerts: {}, seenUntil: null, nextRun: 0 };
  kept.auth = `ApiKey ${String(answer.body.encoded)}`;
  return { execution_status, ...rule, id, params, kept };
}

/** Writes what one action says. Throws with Kibana's words when it fails; nobody tries it again. */
async function act(kibana: Kibana, action: Rule["actions"][0], values: Json, auth: string): Promise<void> {
  const { index, refresh, executionTimeField } = kibana.connectors.find(action.id).config;
  const time = executionTimeField === null ? {} : { [executionTimeField]: values.date };
  const path = `/${encodeURIComponent(index)}/_doc?op_type=create&refresh=${refresh}`;
  for (const document of renderAll(action.params, values).documents) {
    const answer = await kibana.elasticsearch.call("POST", path, auth, { ...document, ...time });
    if (answer.status !== 201) throw new Error(`error indexing documents: ${reason(answer)}`);
  }
}

/** The one place where Kibana tells of an action that failed: its event log, an index. */
async function logFailure({ elasticsearch }: Kibana, { message }: Error, now: Date): Promise<void> {
  const event = { provider: "actions", action: "execute", outcome: "failure" };
  const entry = { "@timestamp": now.toISOString(), event, error: { message } };
  await elasticsearch.call("POST", "/.kibana-event-log-lab/_doc", elasticsearch.own, entry);
}

/** Searches for what a rule is about, and does the actions that are due. Throws what goes wrong before them. */
async function execute(kibana: Kibana, rule: Rule, now: Date): Promise<void> {
  const { kept } = rule;
  if (rule.params.searchType === "esqlQuery") throw new Error("this Elasticsearch has no ES|QL");
  const params = dslParams.parse(rule.params);
  const indices = params.index.map(encodeURIComponent).join(",");
  const path = `/${indices}/_search?allow_no_indices=true&ignore_unavailable=true`;
  const body = searchBody(params, kept.seenUntil, now);
  const answer = await kibana.elasticsearch.call("POST", path, kept.auth, body);
  if (answer.status !== 200) throw new Error(reason(answer));
  const found = matches(params, answer.body);
  const { alerts, firings } = advance(rule.actions, kept.alerts, found.matches, now, randomUUID);
  kept.alerts = alerts;
  kept.seenUntil = found.seenUntil ?? kept.seenUntil;
  for (const firing of firings) {
    const values = variables(rule, firing, now, kibana.settings["server.publicBaseUrl"]);
    await act(kibana, firing.action, values, kept.auth).catch((error: Error) =>
      logFailure(kibana, error, now),
    );
  }
}

async function run(kibana: Kibana, rule: Rule, now: Date): Promise<void> {
  rule.kept.nextRun = now.getTime() + milliseconds(rule.schedule.interval);
  const outcome = await execute(kibana, rule, now).then(
    () => ({ status: Object.keys(rule.kept.alerts).length > 0 ? "active" : "ok" }),
    ({ message }: Error) => {
      kibana.log(`rule ${rule.id}: ${message}`);
      return { status: "error", error: { reason: "execute", message } };
    },
  );
  rule.execution_status = { ...outcome, last_execution_date: now.toISOString() };
  kibana.rules.save();
}

/** Runs the rules that are due. To be called again and again, once the last call has ended. */
export async function runDue(kibana: Kibana, now: Date): Promise<void> {
  const due = [...kibana.rules.values()].filter(
    ({ enabled, kept }) => enabled && kept.nextRun <= now.getTime(),
  );
  if (due.length > 0 && (await kibana.elasticsearch.isReady()))
    await Promise.all(due.map((rule) => run(kibana, rule, now)));
}
