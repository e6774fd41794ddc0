import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDue } from "../../lab/standins/kibana/rules";
import { type Kibana, openKibana } from "../../lab/standins/kibana/kibana";
import { createServer } from "../../lab/standins/kibana/server";
import { checkSettings } from "../../lab/standins/kibana/settings";
import type { Json } from "../../core/json";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
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

const [logs, alerts] = ["standin-logs", "standin-alerts"];
const password = "for-this-test-only";

describe("the stand-in for Kibana: its rules on a real Elasticsearch", function () {
  this.timeout(400_000);
  const folder = mkdtempSync(join(tmpdir(), "kibana-"));
  let elasticsearch: RealElasticsearch;
  let kibana: Kibana;
  let server: Server;
  let url: string;
  let call: Call;
  let now: Date;
  const log: string[] = [];

  async function event(user: string, address: string, arrived: Date, outcome = "failure"): Promise<void> {
    const document = { user, address, outcome, "@timestamp": new Date(0), ingested: arrived };
    await elasticsearch.call("POST", `/${logs}/_doc?refresh=true`, document);
  }
  async function written(): Promise<Json[]> {
    const { hits } = await elasticsearch.call("POST", `/${alerts}/_search?ignore_unavailable=true`, {
      size: 100,
      sort: "_doc",
    });
    return (hits as { hits: { _source: Json }[] }).hits.map((found) => found._source);
  }
  /** What Kibana's event log says of the one action that failed. */
  async function failedAction(): Promise<string> {
    const query = { query: { term: { "event.outcome": "failure" } } };
    await elasticsearch.call("POST", "/.kibana-event-log-lab/_refresh");
    const { hits } = await elasticsearch.call("POST", "/.kibana-event-log-lab/_search", query);
    const found = (hits as { hits: { _source: { error: { message: string } } }[] }).hits;
    return found.map(({ _source }) => _source.error.message).join();
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
    elasticsearch = await realElasticsearch();
    await elasticsearch.call("POST", "/_security/user/kibana_system/_password", { password });
    await elasticsearch.call("PUT", "/_security/user/standin_boss", { password, roles: ["superuser"] });
    const keyword = { type: "keyword" };
    const properties = { user: keyword, address: keyword, outcome: keyword, ingested: { type: "date" } };
    await elasticsearch.call("DELETE", `/${logs},${alerts}?ignore_unavailable=true`);
    await elasticsearch.call("PUT", `/${logs}`, { mappings: { properties } });
    const settings = checkSettings({
      ...samples,
      "elasticsearch.hosts": [`http://127.0.0.1:${elasticsearch.port}`],
      "elasticsearch.password": password,
      "path.data": folder,
    });
    kibana = openKibana(settings, (line) => log.push(line));
    server = createServer(kibana);
    url = await listen(server);
    call = caller(url, `standin_boss:${password}`);
    const config = { index: alerts, refresh: true, executionTimeField: "@timestamp" };
    assert.equal((await call("POST", "/api/actions/connector/c1", { ...connectorBody, config })).status, 200);
    now = new Date();
  });
  afterEach(async () => {
    log.length = 0;
    for (const id of Object.keys(kibana.saved.alert)) await call("DELETE", `/api/alerting/rule/${id}`);
    await elasticsearch.call("DELETE", `/${alerts},.kibana-event-log-lab?ignore_unavailable=true`);
    await elasticsearch.call("POST", `/${logs}/_delete_by_query?refresh=true`, { query: { match_all: {} } });
  });
  after(async () => {
    await elasticsearch.call("DELETE", `/${logs}?ignore_unavailable=true`);
    await elasticsearch.call("DELETE", "/_security/user/standin_boss");
    server.close().closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000);

  it("a threshold for one user: three failures make one alert with its events, then it recovers", async () => {
    for (const user of ["admin", "admin", "admin", "other"]) await event(user, "1.2.3.4", now);
    await event("admin", "1.2.3.4", now, "success");
    assert.equal((await makeRule(ruleId, { termField: "user" }, "onActionGroupChange")).status, 200);
    const statuses: string[] = [];
    for (const minutes of [0, 1, 6]) {
      await runDue(kibana, later(minutes));
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
    await runDue(kibana, now);
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
    await runDue(kibana, later(0));
    await event("admin", "1.1.1.1", later(1));
    await runDue(kibana, later(1));
    await runDue(kibana, later(2));
    assert.deepEqual(
      (await written()).map(({ value }) => value),
      ["1", "1"],
    );
  });

  // Of the Elasticsearch that the tests start themselves, everybody has all rights.
  const given = process.env.ELASTICSEARCH_URL ? it : it.skip;
  given("runs with the rights of who saved it (with ELASTICSEARCH_URL)", async () => {
    const indices = [{ names: [logs], privileges: ["read"] }];
    const role = { elasticsearch: { indices }, kibana: [{ base: ["all"], spaces: ["default"] }] };
    assert.equal((await call("PUT", "/api/security/role/standin_reader", role)).status, 204);
    await elasticsearch.call("PUT", "/_security/user/standin_reader", {
      password,
      roles: ["standin_reader"],
    });
    const reader = caller(url, `standin_reader:${password}`);
    await event("admin", "1.1.1.1", now);
    assert.equal(
      (await makeRule(ruleId, { termField: "user", threshold: [1] }, "onActiveAlert", reader)).status,
      200,
    );
    await runDue(kibana, now);
    assert.match(await failedAction(), /unauthorized for API key .* of user \[standin_reader\]/);
    assert.equal((await written()).length, 0);
    await elasticsearch.call("DELETE", "/_security/user/standin_reader");
    await elasticsearch.call("DELETE", "/_security/role/standin_reader");
  });

  it("shows what went wrong", async () => {
    const [esql, refused] = [ruleId.replace(/aa$/, "bb"), ruleId.replace(/aa$/, "cc")];
    await event("admin", "1.1.1.1", now);
    await elasticsearch.call("PUT", `/${alerts}`, { mappings: { dynamic: "strict" } });
    await makeRule(ruleId, { termField: "user", threshold: [1] }, "onActiveAlert");
    await makeRule(refused, { termField: "user", esQuery: '{"query":{"nonsense":{}}}' }, "onActiveAlert");
    await call("POST", `/api/alerting/rule/${esql}`, { ...ruleBody, actions: [], params: esqlParams });
    await runDue(kibana, now);
    assert.match(await failedAction(), /error indexing documents: .*strict/);
    const failed: [string, RegExp][] = [
      [refused, /unknown query \[nonsense\]/],
      [esql, /has no ES\|QL/],
    ];
    for (const [id, message] of failed) {
      const { body } = await call("GET", `/api/alerting/rule/${id}`);
      const { status, error } = body.execution_status as { status: string; error: { message: string } };
      assert.equal(status, "error");
      assert.match(error.message, message);
    }
  });
});
