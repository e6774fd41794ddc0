/** Rules: each is stored with an API key of the user who saved it, and runs on its schedule with that key. */
import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { auth as loginOf } from "hono/utils/basic-auth";
import { advance, type Firing, matches, searchBody } from "../../../kibana/es-query";
import { milliseconds } from "../../../core/duration";
import { dslParams, esqlParams } from "../../../kibana/rule-params";
import { ruleCreate, ruleUpdate } from "../../../kibana/rule";
import { renderAll, variables } from "../../../kibana/templates";
import { type Action, find, type Kibana, type Rule } from "./kibana";
import { check, checkBody, refuse } from "./schemas";

/** Creates an API key with the rights that the caller has now. A changed password does not change the key. */
async function createRuleKey({ call, own }: Kibana, c: Context, name: string): Promise<string> {
  const api_key = { name: `Alerting: .es-query/${name}` };
  const grant = { grant_type: "password", ...loginOf(c.req.raw), api_key };
  return `ApiKey ${String((await call("POST", "/_security/api_key/grant", own, grant)).encoded)}`;
}

/** Returns what Kibana notes in a rule that a user saves, enables or disables: who it was, and when. */
const savedBy = (c: Context) => ({
  updated_by: loginOf(c.req.raw)?.username ?? null,
  updated_at: new Date().toISOString(),
});

/**
 * Enables or disables a rule. A user who disables it does not change its rights. A user who enables it gives it their own rights
 * only if it has no key, because it was saved while it was disabled (alerting/server: enable_rule.ts, disable_rule.ts).
 */
export async function switchRule(kibana: Kibana, c: Context, rule: Rule, enabled: boolean): Promise<void> {
  if (rule.enabled === enabled) return;
  const by = savedBy(c);
  if (enabled && rule.kept.auth === null) {
    rule.kept.auth = await createRuleKey(kibana, c, rule.name);
    rule.api_key_owner = by.updated_by;
  }
  Object.assign(rule, { enabled, ...by });
}

/**
 * Returns a rule as it is saved: with its defaults, and with an API key that has the rights of the user who saves it. A
 * disabled rule gets no key (alerting/server: update_rule.ts).
 */
export async function acceptRule(kibana: Kibana, c: Context, id: string, old?: Rule): Promise<Rule> {
  const { saved } = kibana;
  const rule = old ? { ...old, ...(await checkBody(ruleUpdate, c)) } : await checkBody(ruleCreate, c);
  if (rule.rule_type_id !== ".es-query") refuse(400, `Rule type "${rule.rule_type_id}" is not registered.`);
  const missing = rule.actions.find((action) => !saved.action[action.id])?.id;
  if (missing)
    refuse(400, `Failed to load action ${missing} (404): Saved object [action/${missing}] not found`);
  const { interval } = rule.schedule;
  for (const { group, frequency } of rule.actions) {
    const { notify_when: when, throttle } = frequency;
    if (when === "onThrottleInterval" && milliseconds(throttle ?? interval) < milliseconds(interval))
      refuse(
        400,
        `Action throttle cannot be shorter than the schedule interval of ${interval}: ${group} (${throttle})`,
      );
  }
  const schema = rule.params.searchType === "esqlQuery" ? esqlParams : dslParams;
  const params = check(schema, rule.params, "params invalid: [");
  const by = savedBy(c);
  const made = old ?? { created_by: by.updated_by, created_at: by.updated_at };
  const auth = rule.enabled ? await createRuleKey(kibana, c, rule.name) : null;
  // The rule may have run in the meantime: its internal data is taken over as it is now.
  const kept = old?.kept ?? { alerts: {}, seenUntil: null, nextRun: 0 };
  return {
    execution_status: { status: "pending", last_execution_date: new Date().toISOString() },
    ...{ mute_all: false, muted_alert_ids: [], running: false, scheduled_task_id: id },
    ...{ created_by: made.created_by, created_at: made.created_at },
    ...{ ...rule, ...by, id, params, revision: old ? old.revision + 1 : 0 },
    // The owner of its key: whose rights the rule has.
    api_key_owner: auth && by.updated_by,
    kept: Object.assign(kept, { auth }),
  };
}

/** Writes the documents of an action. Like Kibana, it reports a failed action only in the event log (an index), and does not retry it. */
async function act(kibana: Kibana, rule: Rule, firing: Firing<Action>, now: Date): Promise<void> {
  const { call, own, saved, settings } = kibana;
  const { id, params } = firing.action;
  try {
    const { index, refresh, executionTimeField } = find("action", saved.action, id).config;
    const values = variables(rule, firing, now, settings["server.publicBaseUrl"]);
    const time = executionTimeField === null ? {} : { [executionTimeField]: values.date };
    const path = `/${encodeURIComponent(index)}/_doc?op_type=create&refresh=${refresh}`;
    for (const document of renderAll(params, values).documents)
      await call("POST", path, rule.kept.auth ?? "", { ...document, ...time });
  } catch (cause) {
    const event = { provider: "actions", action: "execute", outcome: "failure" };
    const error = { message: `error indexing documents: ${(cause as Error).message}` };
    const entry = { "@timestamp": now.toISOString(), event, error };
    await call("POST", "/.kibana-event-log-lab/_doc", own, entry);
  }
}

/** Runs a rule: searches, does the actions that are due, and returns the rule's status. Throws an Error if the search fails. */
async function execute(kibana: Kibana, rule: Rule, now: Date): Promise<{ status: string }> {
  const { kept } = rule;
  if (rule.params.searchType === "esqlQuery") throw new Error("this Elasticsearch has no ES|QL");
  const params = dslParams.parse(rule.params);
  const indices = params.index.map(encodeURIComponent).join(",");
  const path = `/${indices}/_search?allow_no_indices=true&ignore_unavailable=true`;
  const body = searchBody(params, kept.seenUntil, now);
  const found = matches(params, await kibana.call("POST", path, kept.auth ?? "", body));
  const { alerts, firings } = advance(rule.actions, kept.alerts, found.matches, now, randomUUID);
  kept.alerts = alerts;
  kept.seenUntil = found.seenUntil ?? kept.seenUntil;
  for (const firing of firings) await act(kibana, rule, firing, now);
  return { status: found.matches.length > 0 ? "active" : "ok" };
}

async function run(kibana: Kibana, rule: Rule, now: Date): Promise<void> {
  rule.kept.nextRun = now.getTime() + milliseconds(rule.schedule.interval);
  const outcome = await execute(kibana, rule, now).catch(({ message }: Error) => {
    kibana.log(`rule ${rule.id}: ${message}`);
    return { status: "error", error: { reason: "execute", message } };
  });
  rule.execution_status = { ...outcome, last_execution_date: now.toISOString() };
}

/** Runs the rules that are due. Call it repeatedly, each time after the last call has ended. */
export async function runDue(kibana: Kibana, now: Date): Promise<void> {
  const isDue = ({ enabled, kept }: Rule) => enabled && kept.nextRun <= now.getTime();
  const due = Object.values(kibana.saved.alert).filter(isDue);
  if (due.length === 0 || !(await kibana.isReady())) return;
  await Promise.all(due.map((rule) => run(kibana, rule, now)));
  kibana.save();
}
