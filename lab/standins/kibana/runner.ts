import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type Elasticsearch, reason } from "./elasticsearch";
import { advance, type Firing, matches, type Params, renderAll, searchBody, variables } from "./rule";
import { parseDuration } from "./schemas";
import { type Store, type StoredRule, unseal } from "./store";
import { check, type Json } from "./words";

export interface Runner {
  store: Store;
  elasticsearch: Elasticsearch;
  encryptionKey?: string;
  publicBaseUrl?: string;
  log: (level: "INFO" | "WARN" | "ERROR", area: string, text: string) => void;
}

const indexParams = z.object({ documents: z.array(z.record(z.string(), z.unknown())) });
const logParams = z.object({ message: z.string() });

/** Does one action. Throws with Kibana's words when it fails; nobody tries it again. */
async function act(runner: Runner, firing: Firing, values: Json, auth: string, now: Date): Promise<void> {
  const connector = runner.store.state.connectors[firing.action.id];
  if (!connector) throw new Error(`Saved object [action/${firing.action.id}] not found`);
  const params = renderAll(firing.action.params, values);
  if (connector.connector_type_id === ".server-log") {
    runner.log("INFO", "plugins.actions.server-log", `Server log: ${check(logParams, params).message}`);
    return;
  }
  const { index, refresh, executionTimeField } = connector.config as Record<string, string | null>;
  const lines = check(indexParams, params).documents.flatMap((document) => [
    { index: { op_type: "create" } },
    executionTimeField?.trim() ? { ...document, [executionTimeField.trim()]: now.toISOString() } : document,
  ]);
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const path = `/${encodeURIComponent(String(index))}/_bulk?refresh=${String(refresh)}`;
  const answer = await runner.elasticsearch.call("POST", path, auth, body);
  if (answer.status !== 200) throw new Error(`error indexing documents: ${reason(answer)}`);
  const items = answer.body.items as Record<string, { error?: { reason: string } }>[];
  const failures = items
    .flatMap(Object.values<{ error?: { reason: string } }>)
    .flatMap(({ error }) => error?.reason ?? []);
  if (failures.length) throw new Error(`error indexing documents: ${failures.join(";")}`);
}

async function execute(runner: Runner, stored: StoredRule, now: Date): Promise<string[]> {
  const { rule } = stored;
  if (rule.params.searchType !== "esQuery")
    throw new Error(
      "this Elasticsearch has no ES|QL: the lab's stand-in for Kibana keeps such a rule and never runs it",
    );
  const params = rule.params as Params;
  if (params.aggType !== "count" || params.sourceFields)
    throw new Error(
      "the lab's stand-in for Kibana only counts: it runs no other aggType and no sourceFields",
    );
  const key = unseal(stored.apiKey ?? "", runner.encryptionKey ?? "");
  const auth = `ApiKey ${Buffer.from(key).toString("base64")}`;
  const indices = params.index.map(encodeURIComponent).join(",");
  const path = `/${indices}/_search?allow_no_indices=true&ignore_unavailable=true`;
  const answer = await runner.elasticsearch.call(
    "POST",
    path,
    auth,
    searchBody(params, stored.seenUntil, now),
  );
  if (answer.status !== 200) throw new Error(reason(answer));
  const found = matches(params, answer.body);
  const { alerts, firings } = advance(rule, stored.alerts, found.matches, now, randomUUID);
  stored.alerts = alerts;
  stored.seenUntil = found.seenUntil ?? stored.seenUntil;
  const warnings: string[] = [];
  for (const firing of firings) {
    const values = variables(rule, params, firing, now, runner.publicBaseUrl);
    await act(runner, firing, values, auth, now).catch((error: Error) => warnings.push(error.message));
  }
  return warnings;
}

/**
 * Runs a rule once and stores what came out of it. A rule that cannot run has an error, one whose action failed a
 * warning: Kibana shows the latter in its event log only.
 */
export async function runRule(runner: Runner, stored: StoredRule, now: Date): Promise<void> {
  const started = Date.now();
  let error: string | null = null;
  let warnings: string[] = [];
  try {
    warnings = await execute(runner, stored, now);
  } catch (failure) {
    error = (failure as Error).message;
  }
  for (const text of error ? [error] : warnings)
    runner.log("ERROR", "plugins.alerting", `rule ${stored.rule.id} "${stored.rule.name}": ${text}`);
  stored.lastRun = { at: now.toISOString(), milliseconds: Date.now() - started, error, warnings };
  runner.store.save();
}

/** Runs the rules that are due, each once at a time; gives a function to call again and again. */
export function scheduler(runner: Runner): (now: Date) => Promise<void> {
  const running = new Set<string>();
  return async (now) => {
    const due = Object.values(runner.store.state.rules).filter(
      ({ rule, nextRun }) =>
        rule.enabled && !running.has(rule.id) && (!nextRun || Date.parse(nextRun) <= now.getTime()),
    );
    const run = (stored: StoredRule) => {
      const { id, schedule } = stored.rule;
      running.add(id);
      stored.nextRun = new Date(now.getTime() + parseDuration(schedule.interval)).toISOString();
      return runRule(runner, stored, now).finally(() => running.delete(id));
    };
    await Promise.all(due.map(run));
  };
}
