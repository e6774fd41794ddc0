import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttps, request as overHttps } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { runDue } from "../../lab/standins/kibana/rules";
import { type Kibana, openKibana } from "../../lab/standins/kibana/kibana";
import { createServer as createKibana } from "../../lab/standins/kibana/server";
import { checkSettings } from "../../lab/standins/kibana/settings";
import type { Json } from "../../core/json";
import { certificate } from "../../lab/bench/ssh-servers";
import {
  action,
  basic,
  type Call,
  caller,
  connectorBody,
  dashboard,
  esqlParams,
  frequency,
  listen,
  ndjson,
  params,
  ruleBody,
  ruleId,
  settings as samples,
} from "./kibana-samples";
import recorded from "./provider-calls.json";

const apiKey = Buffer.from("id1:key1").toString("base64");

/** Elasticsearch as far as the API needs it: `boss:pw` may do everything, `reader:pw` may read, roles are kept. */
function fakeElasticsearch(): RequestListener {
  const roles: Record<string, Json> = {};
  return (request, response) => {
    void text(request).then((sent) => {
      const body = (sent.startsWith("{") && !sent.includes("\n") ? JSON.parse(sent) : {}) as Json;
      const [path = ""] = (request.url ?? "").split("?");
      const user = Buffer.from(request.headers.authorization?.split(" ")[1] ?? "", "base64").toString();
      const role = path.replace("/_security/role/", "");
      const send = (status: number, answer: unknown) =>
        response.writeHead(status).end(JSON.stringify(answer));
      if (!["boss:pw", "reader:pw", "kibana_system:pw", "id1:key1"].includes(user))
        send(401, { error: "who are you" });
      else if (path.endsWith("/user/_privileges")) {
        const all = { application: "*", privileges: ["*"], resources: ["*"] };
        const read = {
          application: "kibana-.kibana",
          privileges: ["space_read"],
          resources: ["space:default"],
        };
        send(200, { applications: { "boss:pw": [all], "reader:pw": [read] }[user] ?? [] });
      } else if (path.endsWith("/grant")) send(200, { encoded: apiKey });
      else if (!path.startsWith("/_security/role/"))
        send(200, { hits: { hits: [] }, aggregations: { groups: { buckets: [] } } });
      else if (request.method === "PUT") {
        roles[role] = { metadata: {}, transient_metadata: { enabled: true }, ...body };
        send(200, {});
      } else if (!roles[role]) send(404, {});
      else if (request.method === "DELETE") send(delete roles[role] ? 200 : 500, {});
      else send(200, { [role]: roles[role] });
    });
  };
}

describe("the stand-in for Kibana: its API", () => {
  const folder = mkdtempSync(join(tmpdir(), "kibana-"));
  const elasticsearch = createServer(fakeElasticsearch());
  const open: Server[] = [elasticsearch];
  let settings: Json;
  let kibana: Kibana;
  let call: Call;

  async function start(more: Json = {}): Promise<{ call: Call; url: string; kibana: Kibana }> {
    const kibana = openKibana(checkSettings({ ...settings, ...more }), () => undefined);
    const server = createKibana(kibana);
    open.push(server);
    const url = await listen(server);
    return { call: caller(url), url, kibana };
  }

  before(async () => {
    settings = { ...samples, "elasticsearch.hosts": [await listen(elasticsearch)], "path.data": folder };
    ({ call, kibana } = await start());
    assert.equal((await call("POST", "/api/actions/connector/c1", connectorBody)).status, 200);
    assert.equal((await call("POST", `/s/default/api/alerting/rule/${ruleId}`, ruleBody)).status, 200);
    const view = { id: "logs", title: "logs-*", name: "Logs" };
    assert.equal(
      (await call("POST", "/api/data_views/data_view", { data_view: view, override: true })).status,
      200,
    );
    const first = await call(
      "POST",
      "/api/saved_objects/_import?overwrite=true",
      ndjson([dashboard("there")]),
    );
    assert.equal(first.body.success, true);
  });
  after(() => {
    for (const server of open) server.close().closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  const newRule = "/api/alerting/rule/6f1c5a4e-0000-4000-8000-0000000000bb";
  const withParams = (changes: Json) => ({ ...ruleBody, params: { ...params, ...changes } });
  const withAction = (changes: Json) => ({ ...ruleBody, actions: [{ ...action, ...changes }] });
  const connector = (connector_type_id: string, config: Json = {}) => ({
    name: "x",
    connector_type_id,
    config,
  });

  // prettier-ignore
  const refused: [string, string, string, unknown, number, string | RegExp][] = [
    ["an unknown key in params", "POST", newRule, withParams({ foo: 1 }), 400, "params invalid: [foo]: definition for this key is missing"],
    ["an unknown key in the body", "POST", newRule, { ...ruleBody, foo: 1 }, 400, "[request body.foo]: definition for this key is missing"],
    ["a wrong type", "POST", newRule, { ...ruleBody, name: 7 }, 400, "[request body.name]: expected value of type [string] but got [number]"],
    ["a notify_when beside its actions' own", "POST", newRule, { ...ruleBody, notify_when: "onActiveAlert" }, 400, /^\[request body\.notify_when\]/],
    ["a missing key", "POST", newRule, { ...ruleBody, schedule: undefined }, 400, /^\[request body\.schedule\]: expected value of type \[object\]/],
    ["no termSize", "POST", newRule, withParams({ termSize: undefined }), 400, "params invalid: [termSize]: termSize required when [groupBy] is top"],
    ["a termSize over 1000", "POST", newRule, withParams({ termSize: 1001 }), 400, "params invalid: [termSize]: must be less than or equal to 1000"],
    ["a termField list of one", "POST", newRule, withParams({ termField: ["a"] }), 400, /^params invalid: \[termField\]/],
    ["a size over 10000", "POST", newRule, withParams({ size: 10001 }), 400, /^params invalid: \[size\]/],
    ["ES|QL without its comparator", "POST", newRule, { ...ruleBody, params: { ...esqlParams, thresholdComparator: undefined } }, 400, /^params invalid: \[thresholdComparator\]: types that failed/],
    ["ES|QL with a threshold", "POST", newRule, { ...ruleBody, params: { ...esqlParams, threshold: [1] } }, 400, "params invalid: [threshold]: is required to be 0"],
    ["ES|QL with another comparator", "POST", newRule, { ...ruleBody, params: { ...esqlParams, thresholdComparator: "<" } }, 400, "params invalid: [thresholdComparator]: is required to be greater than"],
    ["an unknown rule type", "POST", newRule, { ...ruleBody, rule_type_id: ".nope" }, 400, 'Rule type ".nope" is not registered.'],
    ["an id that exists", "POST", `/api/alerting/rule/${ruleId}`, ruleBody, 409, `Saved object [alert/${ruleId}] conflict`],
    ["an unknown consumer", "POST", newRule, { ...ruleBody, consumer: "me" }, 400, /^\[request body\.consumer\]/],
    ["an unknown action group", "POST", newRule, withAction({ group: "default" }), 400, /^\[request body\.actions\.0\.group\]/],
    ["an action without frequency", "POST", newRule, withAction({ frequency: undefined }), 400, /^\[request body\.actions\.0\.frequency\]/],
    ["a throttle shorter than the interval", "POST", newRule, withAction({ frequency: { ...frequency, notify_when: "onThrottleInterval", throttle: "30s" } }), 400, /^Action throttle cannot be shorter than the schedule interval of 1m: query matched \(30s\)$/],
    ["a connector that is not there", "POST", newRule, withAction({ id: "c9" }), 400, /Saved object \[action\/c9\] not found$/],
    ["a key that cannot be changed", "PUT", `/api/alerting/rule/${ruleId}`, ruleBody, 400, "[request body.rule_type_id]: definition for this key is missing"],
    ["a rule that is not there", "GET", newRule, undefined, 404, /not found$/],
    ["a Gold connector", "POST", "/api/actions/connector", { name: "x", connector_type_id: ".slack", secrets: { webhookUrl: "https://x" } }, 403, "Action type .slack is disabled because your basic license does not support it. Please upgrade your license."],
    ["an unknown connector type", "POST", "/api/actions/connector", connector(".nope"), 400, 'Action type ".nope" is not registered.'],
    ["an unknown key in a connector", "POST", "/api/actions/connector", connector(".index", { index: "a", foo: 1 }), 400, "error validating connector type config: [foo]: definition for this key is missing"],
    ["a connector id that exists", "POST", "/api/actions/connector/c1", connectorBody, 409, "Saved object [action/c1] conflict"],
    ["an unknown key in a data view", "POST", "/api/data_views/data_view", { data_view: { title: "x", name: "y", foo: 1 }, override: true }, 400, "[request body.data_view.foo]: definition for this key is missing"],
    ["a data view that is not there", "GET", "/api/data_views/data_view/nope", undefined, 404, "Saved object [index-pattern/nope] not found"],
    ["a path that is not there", "GET", "/api/nope", undefined, 404, "Not Found"],
    ["another space", "GET", "/s/other/api/data_views", undefined, 404, "Not Found"],
  ];
  for (const [what, method, path, body, status, message] of refused)
    it(`refuses ${what} with ${status}`, async () => {
      const reply = await call(method, path, body);
      assert.equal(reply.status, status, JSON.stringify(reply.body));
      assert.equal(reply.body.statusCode, status);
      if (typeof message === "string") assert.equal(reply.body.message, message);
      else assert.match(String(reply.body.message), message);
    });

  it("answers each recorded call of Elastic's provider with the status that Kibana gave", async () => {
    const { url } = await start({ "path.data": mkdtempSync(join(folder, "recorded-")) });
    const [made] = recorded;
    const recordedId = "098b78ff-17b9-40f3-ae2d-99b0ea68ac6c";
    let id = recordedId;
    for (const { method, path, headers, body, status } of recorded) {
      const sent = (typeof body === "string" ? body : JSON.stringify(body)).replaceAll(recordedId, id);
      const response = await fetch(url + path.replace(recordedId, id), {
        method,
        headers: { ...(headers as Record<string, string>), authorization: basic("boss:pw") },
        ...(sent !== "" && { body: sent }),
      });
      const text = await response.text();
      assert.equal(response.status, status, `${method} ${path}: ${text}`);
      if (path === made?.path) ({ id } = JSON.parse(text) as { id: string });
    }
  });

  it("refuses a write without kbn-xsrf, a wrong password and a reader's write", async () => {
    const { url } = await start();
    const bare = await fetch(`${url}${newRule}`, {
      method: "POST",
      headers: { authorization: basic("boss:pw") },
    });
    assert.equal(bare.status, 400);
    assert.equal(((await bare.json()) as Json).message, "Request must contain a kbn-xsrf header.");
    assert.equal((await caller(url, "boss:no")("GET", newRule)).status, 401);
    const reader = caller(url, "reader:pw");
    assert.equal((await reader("GET", `/api/alerting/rule/${ruleId}`)).status, 200);
    assert.equal((await reader("POST", newRule, ruleBody)).status, 403);
  });

  it("is 503 until Elasticsearch takes its login, then available with its version", async () => {
    const { call: early } = await start({ "elasticsearch.password": "not yet" });
    assert.equal((await early("GET", "/api/status")).status, 503);
    assert.equal((await early("GET", newRule)).body.message, "Kibana server is not ready yet");
    const { call: ready, url } = await start();
    const { status, body } = await ready("GET", "/api/status");
    assert.equal(status, 200);
    assert.equal((body.status as { overall: { level: string } }).overall.level, "available");
    assert.match((body.version as { number: string }).number, /^8\.19\./);
    const anyone = await fetch(`${url}/api/status`);
    assert.deepEqual(await anyone.json(), { status: { overall: { level: "available" } } });
  });

  it("gives a rule back with Kibana's defaults, changes it, switches it and deletes it", async () => {
    const { searchType, aggType, excludeHitsFromPreviousRun, ...short } = params;
    const made = await call("POST", newRule, { ...ruleBody, params: short });
    assert.deepEqual(made.body.params, {
      ...short,
      searchType,
      aggType,
      excludeHitsFromPreviousRun: !excludeHitsFromPreviousRun,
    });
    const [shown] = made.body.actions as Json[];
    assert.equal(shown?.connector_type_id, ".index");
    assert.match(String(shown?.uuid), /^[0-9a-f-]{36}$/);
    assert.deepEqual(
      [made.body.enabled, made.body.notify_when, made.body.throttle, made.body.revision],
      [true, null, null, 0],
    );
    assert.ok(!JSON.stringify(made.body).includes(apiKey), "its API key is its own");
    const { rule_type_id, consumer, ...changes } = ruleBody;
    const changed = await call("PUT", newRule, { ...changes, name: "new" });
    assert.deepEqual(
      [changed.status, changed.body.name, changed.body.rule_type_id, changed.body.consumer],
      [200, "new", rule_type_id, consumer],
    );
    assert.equal((await call("POST", `${newRule}/_disable`)).status, 204);
    assert.equal((await call("GET", newRule)).body.enabled, false);
    assert.equal((await call("POST", `${newRule}/_enable`)).status, 204);
    assert.equal((await call("DELETE", newRule)).status, 204);
    assert.equal((await call("GET", newRule)).status, 404);
  });

  it("keeps rules, connectors, data views and dashboards over a restart", async () => {
    const changed = { title: "logs-*", name: "Logs", timeFieldName: "@timestamp" };
    await call("POST", "/api/data_views/data_view/logs", { data_view: changed });
    const { call: later, kibana: reopened } = await start();
    assert.equal((await later("GET", `/api/alerting/rule/${ruleId}`)).body.name, ruleBody.name);
    const view = (await later("GET", "/s/default/api/data_views/data_view/logs")).body.data_view as Json;
    assert.deepEqual([view.name, view.timeFieldName, view.allowNoIndex], ["Logs", "@timestamp", false]);
    assert.deepEqual(Object.keys(reopened.saved.imported), ["dashboard/there"]);
    const found = await later("GET", "/api/actions/connector/c1");
    assert.deepEqual(found.body.config, connectorBody.config);
    assert.equal(found.body.is_missing_secrets, false);
  });

  it("runs its rules after a restart though nobody calls it", async () => {
    const { call: later, kibana } = await start();
    await runDue(kibana, new Date());
    const { execution_status: status } = (await later("GET", `/api/alerting/rule/${ruleId}`)).body;
    assert.equal((status as { status: string }).status, "ok");
  });

  it("shows its rules by pages", async () => {
    const find = async (query: string) => (await call("GET", `/api/alerting/rules/_find${query}`)).body;
    const all = await find("");
    const data = all.data as Json[];
    assert.deepEqual([all.page, all.per_page, all.total], [1, 10, data.length]);
    assert.ok(data.some(({ id }) => id === ruleId));
    assert.deepEqual((await find("?page=1&per_page=1")).data, data.slice(0, 1));
    assert.deepEqual((await find("?page=9&per_page=10")).data, []);
  });

  it("stores roles as Elasticsearch's with Kibana's application privileges", async () => {
    const role = {
      elasticsearch: {
        cluster: ["monitor"],
        indices: [{ names: ["logs-*"], privileges: ["read"] }],
        run_as: [],
      },
      kibana: [{ base: ["read"], spaces: ["default"] }],
    };
    const path = "/api/security/role/siem_analyst";
    assert.equal((await call("PUT", `${path}?createOnly=true`, role)).status, 204);
    const again = await call("PUT", `${path}?createOnly=true`, role);
    assert.deepEqual(
      [again.status, again.body.message],
      [409, "Role already exists and cannot be created: siem_analyst"],
    );
    const { elasticsearch: shown, kibana } = (await call("GET", path)).body;
    assert.deepEqual(
      { elasticsearch: shown, kibana },
      { ...role, kibana: [{ ...role.kibana[0], feature: {} }] },
    );
    assert.equal((await call("DELETE", path)).status, 204);
    assert.equal((await call("GET", path)).status, 404);
  });

  const pattern = { type: "index-pattern", id: "nowhere", name: "ref" };
  // prettier-ignore
  const imports: [string, unknown[], Json][] = [
    ["a missing reference", [dashboard("a"), dashboard("b", { references: [pattern] })], { type: "missing_references", references: [{ type: "index-pattern", id: "nowhere" }] }],
    ["an unknown type", [dashboard("a"), { type: "nope", id: "n", attributes: { title: "n" } }], { type: "unsupported_type" }],
    ["an unknown attribute", [dashboard("a"), dashboard("b", { attributes: { title: "b", foo: 1 } })], { type: "unknown", statusCode: 400, message: "[attributes.foo]: definition for this key is missing" }],
  ];
  for (const [what, objects, error] of imports)
    it(`imports nothing at all with ${what}`, async () => {
      const { status, body } = await call(
        "POST",
        "/api/saved_objects/_import?overwrite=true",
        ndjson(objects),
      );
      assert.deepEqual([status, body.success, body.successCount], [200, false, 1]);
      assert.deepEqual((body.errors as { error: Json }[])[0]?.error, error);
      assert.ok(!kibana.saved.imported["dashboard/a"]);
    });

  it("imports what is in order", async () => {
    const search = { type: "search", id: "s", attributes: { title: "s" } };
    const references = [
      { ...pattern, id: "logs" },
      { type: "search", id: "s", name: "ref" },
    ];
    const objects = [search, dashboard("good", { references })];
    const { body } = await call("POST", "/api/saved_objects/_import?overwrite=true", ndjson(objects));
    assert.deepEqual([body.success, body.successCount, body.errors], [true, 2, undefined]);
    assert.ok(kibana.saved.imported["dashboard/good"]);
  });

  it("trusts Elasticsearch by the authority in its settings alone, and speaks TLS itself", async () => {
    const [own, other] = [certificate(), certificate()];
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const secure = createHttps(own, fakeElasticsearch());
    open.push(secure);
    const hosts = [(await listen(secure)).replace("http:", "https:")];
    const status = async (ca: string): Promise<number | undefined> => {
      const { url } = await start({
        "elasticsearch.hosts": hosts,
        "elasticsearch.ssl.certificateAuthorities": [file("ca.crt", ca)],
        "server.ssl.enabled": true,
        "server.ssl.certificate": file("server.crt", own.cert),
        "server.ssl.key": file("server.key", own.key),
      });
      const { port } = new URL(url);
      return new Promise((resolve, reject) => {
        const options = { host: "127.0.0.1", port, path: "/api/status", ca: own.cert, auth: "boss:pw" };
        overHttps(options, (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end();
      });
    };
    assert.deepEqual([await status(own.cert), await status(other.cert)], [200, 503]);
  });

  it("shows people what it is, at long links too, and only under its base path when it is rewritten", async () => {
    const { url } = await start({ "server.basePath": "/siem", "server.rewriteBasePath": true });
    const headers = { authorization: basic("boss:pw") };
    for (const path of ["/siem", "/siem/", `/siem/app/r?lz=${"x".repeat(64000)}`]) {
      const response = await fetch(url + path, { headers });
      assert.equal(response.status, 200, path.slice(0, 30));
      assert.match(await response.text(), /stand-in for Kibana/);
    }
    assert.equal((await fetch(`${url}/api/status`)).status, 404);
    assert.equal((await fetch(`${url}/siem/api/status`, { headers })).status, 200);
    assert.equal((await fetch(`${url}/siem/`)).headers.get("www-authenticate"), 'Basic realm="Kibana"');
  });
});
