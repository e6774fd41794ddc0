import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Kibana, openKibana } from "../../lab/standins/kibana/kibana";
import { runDue } from "../../lab/standins/kibana/rules";
import { createServer as createKibana } from "../../lab/standins/kibana/server";
import { checkSettings } from "../../lab/standins/kibana/settings";
import {
  renderEngineerRole,
  type RenderedRole,
  renderOperatorRole,
  renderRulesRole,
} from "../../render/roles";
import {
  basic,
  type Call,
  caller,
  connectorBody,
  listen,
  ruleBody,
  ruleId,
  settings,
} from "./kibana-samples";

const target = { dataStream: "logs-dhis2-default", alertIndex: "alerts-dhis2-default" };
const ROLES: Readonly<Record<string, RenderedRole>> = {
  operator: renderOperatorRole(target),
  engineer: renderEngineerRole(target),
  "siem-rules": renderRulesRole(target),
};
/** As Kibana keeps a role's features in Elasticsearch. */
const granted = ({ features }: RenderedRole) => [
  {
    application: "kibana-.kibana",
    privileges: Object.entries(features).map(([name, privilege]) => `feature_${name}.${privilege}`),
    resources: ["space:default"],
  },
];

/** Elasticsearch as far as this test needs it: `NAME:pw` logs in, and a granted key says whose it is. */
function fakeElasticsearch(searches: string[]): RequestListener {
  return (request, response) => {
    void text(request).then((sent) => {
      const send = (status: number, answer: unknown) =>
        response.writeHead(status).end(JSON.stringify(answer));
      const { authorization = "", url = "" } = { ...request.headers, url: request.url };
      const user = Object.keys({ ...ROLES, kibana_system: 1, elastic: 1 }).find(
        (name) => authorization === basic(`${name}:pw`),
      );
      if (url.endsWith("/_search") || url.includes("/_search?")) {
        searches.push(authorization);
        return send(200, { hits: { hits: [] }, aggregations: { groups: { buckets: [] } } });
      }
      if (user === undefined) return send(401, { error: "who are you" });
      if (url.endsWith("/grant")) {
        const { username } = JSON.parse(sent) as { username: string };
        return send(200, { encoded: `key-of-${username}` });
      }
      const role = ROLES[user];
      const all = [{ application: "*", privileges: ["*"], resources: ["*"] }];
      return send(200, { applications: role ? granted(role) : all });
    });
  };
}

describe("the stand-in for Kibana: accounts, and whose rights a rule has", () => {
  const folder = mkdtempSync(join(tmpdir(), "kibana-accounts-"));
  const searches: string[] = [];
  const open: Server[] = [];
  let kibana: Kibana;
  let as: (user: string) => Call;
  const path = `/s/default/api/alerting/rule/${ruleId}`;
  const { name, schedule, tags, throttle, params, actions } = ruleBody;
  const update = { name, schedule, tags, throttle, params, actions };

  before(async () => {
    const elasticsearch = createServer(fakeElasticsearch(searches));
    const hosts = [await listen(elasticsearch)];
    kibana = openKibana(
      checkSettings({ ...settings, "elasticsearch.hosts": hosts, "path.data": folder }),
      () => undefined,
    );
    const server = createKibana(kibana);
    open.push(elasticsearch, server);
    const url = await listen(server);
    as = (user) => caller(url, `${user}:pw`);
    assert.equal((await as("elastic")("POST", "/api/actions/connector/c1", connectorBody)).status, 200);
  });
  beforeEach(async () => {
    if (kibana.saved.alert[ruleId]) await as("elastic")("DELETE", path);
    assert.equal((await as("siem-rules")("POST", path, ruleBody)).status, 200);
    searches.length = 0;
  });
  after(() => {
    for (const server of open) server.close().closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  /** Whose rights the rule has, and what Kibana shows of it. */
  async function ran(): Promise<unknown> {
    const rule = kibana.saved.alert[ruleId] ?? assert.fail();
    rule.kept.nextRun = 0;
    await runDue(kibana, new Date());
    return searches.splice(0).map((header) => header.replace(/^ApiKey key-of-/, ""));
  }
  const shown = async () => (await as("operator")("GET", path)).body;

  // prettier-ignore
  const calls: [string, string, unknown, Record<string, number>][] = [
    ["GET", path, undefined, { operator: 200, engineer: 200, "siem-rules": 200 }],
    ["GET", "/api/alerting/rules/_find", undefined, { operator: 200, engineer: 200, "siem-rules": 200 }],
    ["PUT", path, update, { operator: 403, engineer: 200, "siem-rules": 200 }],
    ["POST", `${path}/_disable`, undefined, { operator: 403, engineer: 204, "siem-rules": 204 }],
    ["POST", `${path}/_enable`, undefined, { operator: 403, engineer: 204, "siem-rules": 204 }],
    ["DELETE", path, undefined, { operator: 403, engineer: 204, "siem-rules": 204 }],
    ["GET", "/api/actions/connector/c1", undefined, { operator: 403, engineer: 200, "siem-rules": 200 }],
    ["PUT", "/api/actions/connector/c1", { name: "x", config: { index: "x" } }, { operator: 403, engineer: 403, "siem-rules": 403 }],
    ["DELETE", "/api/actions/connector/c1", undefined, { operator: 403, engineer: 403, "siem-rules": 403 }],
    ["POST", "/api/data_views/data_view", { data_view: { title: "x", name: "x" }, override: true }, { operator: 403, engineer: 403, "siem-rules": 403 }],
  ];
  for (const [method, where, body, expected] of calls)
    it(`answers ${method} ${where.replace(ruleId, "ID")} by the account`, async () => {
      const statuses: Record<string, number> = {};
      for (const user of Object.keys(expected)) {
        if (!kibana.saved.alert[ruleId]) await as("siem-rules")("POST", path, ruleBody);
        statuses[user] = (await as(user)(method, where, body)).status;
      }
      assert.deepEqual(statuses, expected);
    });

  it("runs a rule with the rights of the user who created it", async () => {
    assert.deepEqual(await ran(), ["siem-rules"]);
    const { created_by, updated_by, api_key_owner } = await shown();
    assert.deepEqual([created_by, updated_by, api_key_owner], Array(3).fill("siem-rules"));
  });

  it("runs a rule with the rights of the user who saved it last, and shows who that was", async () => {
    assert.equal((await as("engineer")("PUT", path, update)).status, 200);
    assert.deepEqual(await ran(), ["engineer"]);
    const { created_by, updated_by, api_key_owner, revision } = await shown();
    assert.deepEqual(
      [created_by, updated_by, api_key_owner, revision],
      ["siem-rules", "engineer", "engineer", 1],
    );
    assert.equal((await as("siem-rules")("PUT", path, update)).status, 200);
    assert.deepEqual(await ran(), ["siem-rules"]);
  });

  it("keeps a rule's rights when another user disables and enables it, and shows who did", async () => {
    await as("engineer")("POST", `${path}/_disable`);
    assert.deepEqual(await ran(), []);
    assert.deepEqual([(await shown()).enabled, (await shown()).updated_by], [false, "engineer"]);
    await as("engineer")("POST", `${path}/_enable`);
    assert.deepEqual(await ran(), ["siem-rules"]);
    const { updated_by, api_key_owner, revision } = await shown();
    assert.deepEqual([updated_by, api_key_owner, revision], ["engineer", "siem-rules", 0]);
  });

  it("gives a rule that was saved while it was disabled the rights of the user who enables it", async () => {
    await as("siem-rules")("POST", `${path}/_disable`);
    await as("siem-rules")("PUT", path, update);
    assert.equal((await shown()).api_key_owner, null);
    await as("engineer")("POST", `${path}/_enable`);
    assert.deepEqual(await ran(), ["engineer"]);
  });
});
