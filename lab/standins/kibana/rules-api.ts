import { randomUUID } from "node:crypto";
import type { z } from "zod";
import { reason } from "./elasticsearch";
import type { Login } from "./login";
import { matchedGroup, recoveredGroup, type Action, type Rule } from "./rule";
import type { Runner } from "./runner";
import { dslParams, esqlParams, parseDuration, ruleCreate, ruleUpdate } from "./schemas";
import { seal, type StoredRule, unseal } from "./store";
import { checkRequest, type Json, Refusal } from "./words";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const consumers = ["alerts", "stackAlerts", "logs", "infrastructure", "observability", "discover"];

/** The rule with this id; a 404 if there is none. */
export function findRule({ store }: Runner, id: string): StoredRule {
  const found = store.state.rules[id];
  if (!found) throw new Refusal(404, `Saved object [alert/${id}] not found`);
  return found;
}

/** A rule as the API shows it. */
export function showRule({ store }: Runner, stored: StoredRule): Json {
  const { rule, lastRun, owner, created, updated, nextRun, apiKey } = stored;
  const status = lastRun?.error ? "error" : lastRun?.warnings.length ? "warning" : lastRun ? "ok" : "pending";
  const active = Object.keys(stored.alerts).length;
  const outcome = status === "error" ? "failed" : status === "warning" ? "warning" : "succeeded";
  const problems = lastRun?.error ? [lastRun.error] : (lastRun?.warnings ?? []);
  return {
    ...rule,
    actions: rule.actions.map((action) => ({
      ...action,
      connector_type_id: store.state.connectors[action.id]?.connector_type_id ?? action.connector_type_id,
    })),
    created_by: created.by,
    created_at: created.at,
    updated_by: updated.by,
    updated_at: updated.at,
    api_key_owner: apiKey ? owner : null,
    api_key_created_by_user: false,
    mute_all: false,
    muted_alert_ids: [],
    running: false,
    scheduled_task_id: rule.id,
    ...(nextRun && { next_run: nextRun }),
    execution_status: {
      status: status === "ok" && active ? "active" : status,
      last_execution_date: lastRun?.at ?? created.at,
      ...(lastRun && { last_duration: lastRun.milliseconds }),
      ...(lastRun?.error && { error: { reason: "execute", message: lastRun.error } }),
      ...(status === "warning" && { warning: { reason: "actionFailed", message: problems.join("; ") } }),
    },
    ...(lastRun && {
      last_run: {
        outcome,
        outcome_msg: problems,
        alerts_count: { active, new: null, recovered: null, ignored: 0 },
      },
    }),
  };
}

/** A page of all rules; nothing can be searched for here. */
export function findRules(runner: Runner, query: URLSearchParams): Json {
  const page = Number(query.get("page") ?? 1);
  const perPage = Number(query.get("per_page") ?? 10);
  const all = Object.values(runner.store.state.rules);
  const shown = all.slice((page - 1) * perPage, page * perPage);
  return {
    page,
    per_page: perPage,
    total: all.length,
    data: shown.map((stored) => showRule(runner, stored)),
  };
}

function checkParams(params: Json): Json {
  const schema = params.searchType === "esqlQuery" ? esqlParams : dslParams;
  return checkRequest(schema, params, "", "params invalid: ");
}

type Changes = z.output<typeof ruleUpdate>;

function checkActions({ store }: Runner, changes: Changes): Action[] {
  const actions = changes.actions.map((action) => ({
    ...action,
    uuid: action.uuid ?? randomUUID(),
    group: action.group ?? "default",
  }));
  for (const { id } of actions)
    if (!store.state.connectors[id])
      throw new Refusal(400, `Failed to load action ${id} (404): Saved object [action/${id}] not found`);
  const ruleLevel = Boolean(changes.notify_when ?? changes.throttle);
  const groups = (wrong: (action: Action) => boolean) =>
    actions
      .filter(wrong)
      .map(({ group }) => group)
      .join(", ");
  const interval = parseDuration(changes.schedule.interval);
  const problems: [string, string][] = [
    ["Invalid action groups: ", groups(({ group }) => group !== matchedGroup && group !== recoveredGroup)],
    [
      "Cannot specify per-action frequency params when notify_when or throttle are defined at the rule level: ",
      groups(({ frequency }) => ruleLevel && frequency !== undefined),
    ],
    ["Actions missing frequency parameters: ", groups(({ frequency }) => !ruleLevel && !frequency)],
    [
      `Action frequency cannot be shorter than the schedule interval of ${changes.schedule.interval}: `,
      groups(
        ({ frequency }) =>
          Boolean(frequency?.throttle) && parseDuration(frequency?.throttle ?? "") < interval,
      ),
    ],
  ];
  const errors = problems.filter(([, names]) => names).map(([text, names]) => text + names);
  if (new Set(actions.map((action) => action.uuid)).size < actions.length)
    errors.unshift("Actions have duplicated UUIDs");
  const count = errors.length === 1 ? "error:" : `${errors.length} errors:\n-`;
  if (errors.length)
    throw new Refusal(400, `Failed to validate actions due to the following ${count} ${errors.join("\n- ")}`);
  return actions;
}

/** Gives the rule an API key with the rights of the user who saves it, and withdraws the one it had. */
async function renewKey(runner: Runner, stored: StoredRule, login: Login): Promise<void> {
  const { elasticsearch, encryptionKey = "" } = runner;
  const answer = await elasticsearch.call("POST", "/_security/api_key/grant", elasticsearch.own, {
    grant_type: "password",
    username: login.username,
    password: login.password,
    api_key: {
      name: `Alerting: ${stored.rule.rule_type_id}/${stored.rule.name}`,
      metadata: { managed: true, kibana: { type: "alerting_rule" } },
    },
  });
  if (answer.status !== 200)
    throw new Refusal(400, `Error creating rule: could not create API key - ${reason(answer)}`);
  await withdrawKey(runner, stored);
  stored.apiKey = seal(`${String(answer.body.id)}:${String(answer.body.api_key)}`, encryptionKey);
  stored.owner = login.username;
}

/** Makes the rule's API key invalid; one that cannot be read or withdrawn any more is no reason to stop. */
async function withdrawKey(
  { elasticsearch, encryptionKey = "", log }: Runner,
  stored: StoredRule,
): Promise<void> {
  if (!stored.apiKey) return;
  try {
    const [id] = unseal(stored.apiKey, encryptionKey).split(":");
    await elasticsearch.call("DELETE", "/_security/api_key", elasticsearch.own, { ids: [id] });
  } catch (error) {
    log(
      "WARN",
      "plugins.alerting",
      `API key of rule ${stored.rule.id} not withdrawn: ${(error as Error).message}`,
    );
  }
}

export async function createRule(runner: Runner, id: string, body: unknown, login: Login): Promise<Json> {
  const wanted = checkRequest(ruleCreate, body, "request body");
  if (!uuid.test(id))
    throw new Refusal(
      400,
      "Predefined IDs are not allowed for saved objects with encrypted attributes unless the ID is a UUID.",
    );
  if (wanted.rule_type_id !== ".es-query")
    throw new Refusal(400, `Rule type "${wanted.rule_type_id}" is not registered.`);
  if (!consumers.includes(wanted.consumer))
    throw new Refusal(403, `Unauthorized by "${wanted.consumer}" to create ".es-query" rule`);
  const rule: Rule = {
    ...wanted,
    id,
    revision: 0,
    params: checkParams(wanted.params),
    actions: checkActions(runner, wanted),
  };
  if (runner.store.state.rules[id]) throw new Refusal(409, `Saved object [alert/${id}] conflict`);
  const now = { at: new Date().toISOString(), by: login.username };
  const idle = { apiKey: null, alerts: {}, seenUntil: null, nextRun: null, lastRun: null };
  const stored: StoredRule = { rule, owner: login.username, created: now, updated: now, ...idle };
  if (rule.enabled) await renewKey(runner, stored, login);
  runner.store.state.rules[id] = stored;
  runner.store.save();
  return showRule(runner, stored);
}

export async function updateRule(runner: Runner, id: string, body: unknown, login: Login): Promise<Json> {
  const stored = findRule(runner, id);
  const changes = checkRequest(ruleUpdate, body, "request body");
  const checked = { params: checkParams(changes.params), actions: checkActions(runner, changes) };
  const { rule_type_id, consumer, enabled, revision } = stored.rule;
  const rule: Rule = { ...changes, ...checked, id, rule_type_id, consumer, enabled, revision: revision + 1 };
  if (enabled) await renewKey(runner, stored, login);
  if (rule.schedule.interval !== stored.rule.schedule.interval) stored.nextRun = null;
  stored.rule = rule;
  stored.updated = { at: new Date().toISOString(), by: login.username };
  runner.store.save();
  return showRule(runner, stored);
}

export async function switchRule(runner: Runner, id: string, enabled: boolean, login: Login): Promise<void> {
  const stored = findRule(runner, id);
  if (enabled && !stored.rule.enabled) {
    if (!stored.apiKey) await renewKey(runner, stored, login);
    stored.nextRun = null;
  }
  stored.rule.enabled = enabled;
  stored.updated = { at: new Date().toISOString(), by: login.username };
  runner.store.save();
}

export async function deleteRule(runner: Runner, id: string): Promise<void> {
  const stored = findRule(runner, id);
  delete runner.store.state.rules[id];
  runner.store.save();
  await withdrawKey(runner, stored);
}
