import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKibana } from "../../lab/standins/kibana/server";
import { checkSettings } from "../../lab/standins/kibana/settings";
import type { Json } from "../../tools/detections/es-query";
import {
  type Call,
  caller,
  connectorBody,
  esqlParams,
  frequency,
  listen,
  params,
  type Reply,
  ruleBody,
  ruleId,
  settings as samples,
} from "./kibana-samples";

const real = process.env.ELASTICSEARCH_URL;
const describeReal = real ? describe : describe.skip;
describeReal("the stand-in for Kibana: rules on a real Elasticsearch (ELASTICSEARCH_URL)", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "kibana-"));
  const login = `${process.env.ELASTICSEARCH_USERNAME ?? "elastic"}:${process.env.ELASTICSEARCH_PASSWORD ?? ""}`;
  const [suffix] = ruleId.split("-");
  const [logs, alerts] = [`standin-logs-${suffix}`, `standin-alerts-${suffix}`];
  const elastic = caller(real ?? "", login);
  let kibana: ReturnType<typeof createKibana>;
  let url: string;
  let call: Call;
  let now: Date;

  async function event(user: string, address: string, arrived: Date, outcome = "failure"): Promise<void> {
    const document = { user, address, outcome, "@timestamp": new Date(0), ingested: arrived };
    assert.equal((await elastic("POST", `/${logs}/_doc?refresh=true`, document)).status, 201);
  }
  async function written(): Promise<Json[]> {
    const { body } = await elastic("POST", `/${alerts}/_search?ignore_unavailable=true`, {
      size: 100,
      sort: "_doc",
    });
    return (body.hits as { hits: { _source: Json }[] }).hits.map((found) => found._source);
  }
  async function makeRule(id: string, changes: Json, notify_when: string, as = call): Promise<Reply> {
    const own = {
      ...params,
      esQuery: '{"query":{"term":{"outcome":"failure"}}}',
      index: [logs],
      timeField: "ingested",
    };
    const documents = [
      {
        rule: "{{rule.name}}",
        alert: "{{alert.id}}",
        value: "{{context.value}}",
        group: "{{alert.actionGroup}}",
        hits: "{{context.hits.asJSON}}",
      },
    ];
    const actions = [
      { id: "c1", group: "query matched", params: { documents }, frequency: { ...frequency, notify_when } },
    ];
    return as("POST", `/api/alerting/rule/${id}`, {
      ...ruleBody,
      name: id.slice(-2),
      params: { ...own, ...changes },
      actions,
    });
  }

  before(async () => {
    const password = "for-this-test-only";
    await elastic("POST", "/_security/user/kibana_system/_password", { password });
    const keyword = { type: "keyword" };
    const properties = { user: keyword, address: keyword, outcome: keyword, ingested: { type: "date" } };
    await elastic("DELETE", `/${logs},${alerts}?ignore_unavailable=true`);
    assert.equal((await elastic("PUT", `/${logs}`, { mappings: { properties } })).status, 200);
    const settings = checkSettings({
      ...samples,
      "elasticsearch.hosts": [real],
      "elasticsearch.password": password,
      "path.data": folder,
    });
    kibana = createKibana(settings, () => undefined);
    url = await listen(kibana.server);
    call = caller(url, login);
    const config = { index: alerts, refresh: true, executionTimeField: "@timestamp" };
    assert.equal((await call("POST", "/api/actions/connector/c1", { ...connectorBody, config })).status, 200);
    now = new Date();
  });
  afterEach(async () => {
    for (const id of Object.keys(kibana.kibana.store.state.alert))
      await call("DELETE", `/api/alerting/rule/${id}`);
    await elastic("DELETE", `/${alerts}?ignore_unavailable=true`);
    await elastic("POST", `/${logs}/_delete_by_query?refresh=true`, { query: { match_all: {} } });
  });
  after(async () => {
    await elastic("DELETE", `/${logs}?ignore_unavailable=true`);
    kibana.server.close().closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  /** The API keys of rules that still work. */
  async function liveKeys(): Promise<number> {
    const { body } = await elastic("GET", "/_security/api_key?name=Alerting*&active_only=true");
    return (body.api_keys as unknown[]).length;
  }
  const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000);

  it("a threshold for one user: three failures make one alert with its events, then it recovers", async () => {
    for (const user of ["admin", "admin", "admin", "other"]) await event(user, "1.2.3.4", now);
    await event("admin", "1.2.3.4", now, "success");
    assert.equal((await makeRule(ruleId, { termField: "user" }, "onActionGroupChange")).status, 200);
    const statuses: string[] = [];
    for (const minutes of [0, 1, 6]) {
      await kibana.tick(later(minutes));
      const { body } = await call("GET", `/api/alerting/rule/${ruleId}`);
      statuses.push((body.execution_status as { status: string }).status);
    }
    assert.deepEqual(statuses, ["active", "active", "ok"]);
    const [alert, ...more] = await written();
    assert.deepEqual(more, []);
    assert.deepEqual([alert?.alert, alert?.value, alert?.group], ["admin", "3", "query matched"]);
    assert.equal((JSON.parse(String(alert?.hits)) as unknown[]).length, 3);
    assert.equal(alert?.["@timestamp"], now.toISOString());
  });

  it("several fields are grouped together", async () => {
    for (const address of ["1.1.1.1", "1.1.1.1", "1.1.1.1", "2.2.2.2"]) await event("admin", address, now);
    await makeRule(ruleId, { termField: ["user", "address"] }, "onActionGroupChange");
    await kibana.tick(now);
    assert.deepEqual(
      (await written()).map((alert) => [alert.alert, alert.value]),
      [["admin,1.1.1.1", "3"]],
    );
  });

  it("single events count once each, also those that happened long before they arrived", async () => {
    const changes = {
      groupBy: "all",
      termField: undefined,
      termSize: undefined,
      threshold: [1],
      excludeHitsFromPreviousRun: true,
    };
    await makeRule(ruleId, changes, "onActiveAlert");
    await event("admin", "1.1.1.1", later(0));
    await kibana.tick(later(0));
    await event("admin", "1.1.1.1", later(1));
    await kibana.tick(later(1));
    await kibana.tick(later(2));
    assert.deepEqual(
      (await written()).map(({ value }) => value),
      ["1", "1"],
    );
  });

  it("runs with the rights of who saved it, and shows what went wrong", async () => {
    const indices = [{ names: [logs], privileges: ["read"] }];
    const role = { elasticsearch: { indices }, kibana: [{ base: ["all"], spaces: ["default"] }] };
    assert.equal((await call("PUT", "/api/security/role/standin_reader", role)).status, 204);
    await elastic("PUT", "/_security/user/standin_reader", {
      password: "reader-pw",
      roles: ["standin_reader"],
    });
    const reader = caller(url, "standin_reader:reader-pw");
    await event("admin", "1.1.1.1", now);
    assert.equal(
      (await makeRule(ruleId, { termField: "user", threshold: [1] }, "onActiveAlert", reader)).status,
      200,
    );
    await kibana.tick(now);
    const status = async () =>
      (await call("GET", `/api/alerting/rule/${ruleId}`)).body.execution_status as {
        status: string;
        warning?: Json;
        error?: Json;
      };
    const warned = await status();
    assert.equal(warned.status, "warning");
    assert.match(String(warned.warning?.message), /unauthorized for API key .* of user \[standin_reader\]/);
    assert.equal((await written()).length, 0);
    await elastic("DELETE", "/_security/user/standin_reader");
    await elastic("DELETE", "/_security/role/standin_reader");
  });

  it("gives a rule a key of its own, a new one at each change, and withdraws it at the end", async () => {
    const keys = await liveKeys();
    const path = `/api/alerting/rule/${ruleId}`;
    await makeRule(ruleId, { termField: "user" }, "onActiveAlert");
    assert.equal(await liveKeys(), keys + 1);
    const { name, schedule } = ruleBody;
    assert.equal((await call("PUT", path, { name, schedule, params })).status, 200);
    assert.equal(await liveKeys(), keys + 1);
    await call("DELETE", path);
    assert.equal(await liveKeys(), keys);
  });

  it("an ES|QL rule and a query that Elasticsearch refuses end as errors", async () => {
    const esql = "6f1c5a4e-0000-4000-8000-0000000000cc";
    await call("POST", `/api/alerting/rule/${esql}`, { ...ruleBody, actions: [], params: esqlParams });
    await makeRule(ruleId, { termField: "user", esQuery: '{"query":{"nonsense":{}}}' }, "onActiveAlert");
    await kibana.tick(now);
    for (const [id, message] of [
      [esql, /has no ES\|QL/],
      [ruleId, /unknown query \[nonsense\]/],
    ] as const) {
      const { body } = await call("GET", `/api/alerting/rule/${id}`);
      const { status, error } = body.execution_status as { status: string; error: { message: string } };
      assert.equal(status, "error");
      assert.match(error.message, message);
    }
  });
});
