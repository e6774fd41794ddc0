import assert from "node:assert/strict";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { dropLogStream, putLogStream } from "../../commands/elasticsearch/pipelines";
import { watchPrivileges } from "../../components/siem-watch";
import { renderAlertMappings } from "../../pipelines";
import {
  renderEngineerRole,
  type RenderedRole,
  renderOperatorRole,
  renderRulesRole,
} from "../../render/roles";

const NAMESPACE = "accounts";
const ALERTS = `alerts-dhis2-${NAMESPACE}`;
const INTERNAL = "dhis2-siem-relay-accounts";

/** What an account's role may do in Elasticsearch, tried with a key that has the role's rights and no others. */
describe("an account's rights in Elasticsearch", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  const accounts: Record<string, RealElasticsearch> = {};

  async function withRole(name: string, { clusters, indices }: RenderedRole): Promise<RealElasticsearch> {
    const role = { cluster: clusters, indices };
    const made = await elasticsearch.call("POST", "/_security/api_key", {
      name,
      role_descriptors: { [name]: role },
    });
    return elasticsearch.withKey(String(made.encoded));
  }
  before(async function () {
    elasticsearch = await realElasticsearch();
    const dataStream = await putLogStream(elasticsearch, NAMESPACE);
    await elasticsearch.call("PUT", `/${ALERTS}`, { mappings: renderAlertMappings() });
    await elasticsearch.call("PUT", `/${INTERNAL}`, {});
    await elasticsearch.call("POST", `/${dataStream}/_doc?refresh=true`, {
      "@timestamp": new Date().toISOString(),
      message: "x",
    });
    const target = { dataStream, alertIndex: ALERTS };
    try {
      accounts.operator = await withRole("operator", renderOperatorRole(target));
    } catch (error) {
      if (/no handler found/.test(String(error))) return this.skip();
      throw error;
    }
    accounts.engineer = await withRole("engineer", renderEngineerRole(target));
    accounts.rules = await withRole("rules", renderRulesRole(target));
    const made = await elasticsearch.call("POST", "/_security/api_key", {
      name: "watch",
      role_descriptors: watchPrivileges(dataStream, ALERTS),
    });
    accounts.watch = elasticsearch.withKey(String(made.encoded));
  });
  after(async () => {
    await elasticsearch.call("DELETE", `/${ALERTS},${INTERNAL}?ignore_unavailable=true`);
    await dropLogStream(elasticsearch, NAMESPACE);
  });

  const alert = { "@timestamp": "2024-03-01T10:11:12Z" };
  /** A request, and which accounts may send it. */
  // prettier-ignore
  const requests: [what: string, method: string, path: string, body: object | undefined, may: string[]][] = [
    ["search the logs", "POST", `/logs-dhis2-${NAMESPACE}/_search`, {}, ["engineer", "operator", "rules"]],
    ["search the alerts", "POST", `/${ALERTS}/_search`, {}, ["engineer", "operator"]],
    ["add an alert", "POST", `/${ALERTS}/_doc?op_type=create&refresh=true`, alert, ["engineer", "rules"]],
    ["change an alert", "PUT", `/${ALERTS}/_doc/one`, alert, []],
    ["delete alerts", "POST", `/${ALERTS}/_delete_by_query`, { query: { match_all: {} } }, []],
    ["add a log line", "POST", `/logs-dhis2-${NAMESPACE}/_doc`, { ...alert, message: "y" }, ["watch"]],
    ["roll the stream over", "POST", `/logs-dhis2-${NAMESPACE}/_rollover`, {}, []],
    ["read the relay's state", "POST", `/${INTERNAL}/_search`, {}, []],
    ["read Kibana's own indices", "GET", "/.kibana*/_search?allow_no_indices=false", undefined, []],
    ["read the security index", "GET", "/.security/_search", undefined, []],
    ["list users", "GET", "/_security/user", undefined, ["watch"]],
    ["list everybody's keys", "GET", "/_security/api_key", undefined, ["watch"]],
    ["make a key", "POST", "/_security/api_key", { name: "mine" }, []],
    ["change a pipeline", "PUT", "/_ingest/pipeline/mine", { processors: [] }, []],
    ["read a pipeline", "GET", "/_ingest/pipeline", undefined, ["watch"]],
    ["change the index template", "PUT", "/_index_template/mine", { index_patterns: ["mine"] }, []],
    ["change the cluster's settings", "PUT", "/_cluster/settings", { transient: { "logger.org.example": "INFO" } }, []],
    ["read the cluster's state", "GET", "/_cluster/state/nodes", undefined, ["rules", "watch"]],
  ];
  for (const [what, method, path, body, may] of requests)
    it(`to ${what}: ${may.join(" and ") || "nobody"}`, async () => {
      const allowed: string[] = [];
      for (const [name, account] of Object.entries(accounts).sort()) {
        const error = await account.call(method, path, body).then(
          () => undefined,
          (reason: unknown) => String(reason),
        );
        if (error === undefined) allowed.push(name);
        else assert.match(error, /: 403 |: 404 .*index_not_found/, `${name}: ${error}`);
      }
      assert.deepEqual(allowed, may);
    });
});
