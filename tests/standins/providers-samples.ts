/** One resource of each kind of elasticstack, with a change to it; those of Kibana as they were recorded from the real provider. */
import { stableJson } from "../../core/json";

type Inputs = Record<string, unknown>;

export interface Sample {
  readonly inputs: Inputs;
  readonly changed: Inputs;
  /** An input whose change has to replace, with its other value. */
  readonly replacing?: readonly [name: string, value: unknown];
  /** What goes to the server at creation, at the change, and at the deletion; ids as "ID". */
  readonly calls: { readonly create: string[]; readonly update: string[]; readonly delete: string[] };
}

export function token(kind: string): string {
  return `elasticstack:index/${kind[0]?.toLowerCase()}${kind.slice(1)}:${kind}`;
}

export const RULE_ID = "6f1c5a4e-0000-4000-8000-0000000000aa";
export const CONNECTOR_ID = "098b78ff-17b9-40f3-ae2d-99b0ea68ac6c";

const read = { names: ["logs-dhis2-*"], privileges: ["read", "view_index_metadata"] };
const ruleParams = {
  ...{ aggType: "count", excludeHitsFromPreviousRun: false, groupBy: "top", index: ["logs-dhis2-*"] },
  esQuery: stableJson({ query: { term: { "event.outcome": "failure" } } }),
  ...{ searchType: "esQuery", size: 10, termField: "user.name", termSize: 100, threshold: [3] },
  ...{ thresholdComparator: ">=", timeField: "@timestamp", timeWindowSize: 5, timeWindowUnit: "m" },
};

function crud(path: string, kind: "PUT" | "POST" = "PUT"): Sample["calls"] {
  return {
    create: [`PUT ${path}`, `GET ${path}`],
    update: [`${kind} ${path}`, `GET ${path}`],
    delete: [`DELETE ${path}`],
  };
}

function sample(
  inputs: Inputs,
  change: Inputs,
  calls: Sample["calls"],
  replacing?: Sample["replacing"],
): Sample {
  return { inputs, changed: { ...inputs, ...change }, calls, replacing };
}

const connectors = "/s/default/api/actions/connector";
const rulePath = `/s/default/api/alerting/rule/${RULE_ID}`;
const views = "/s/default/api/data_views/data_view";
const roleOfKibana = "/api/security/role/siem_analyst";

export const SAMPLES: Readonly<Record<string, Sample>> = {
  ElasticsearchIngestPipeline: sample(
    {
      name: "p",
      description: "d",
      processors: [stableJson({ set: { field: "a", value: "b" } })],
      onFailures: [stableJson({ drop: {} })],
    },
    { processors: [stableJson({ set: { field: "a", value: "c" } })] },
    crud("/_ingest/pipeline/p"),
    ["name", "q"],
  ),
  ElasticsearchIndexTemplate: sample(
    {
      ...{ name: "t", indexPatterns: ["logs-dhis2-x"], priority: 500, dataStream: {} },
      template: {
        mappings: stableJson({ dynamic: false }),
        settings: stableJson({ index: { number_of_shards: "1" } }),
        lifecycle: { dataRetention: "90d" },
      },
    },
    { priority: 501 },
    crud("/_index_template/t"),
    ["name", "u"],
  ),
  ElasticsearchIndex: sample(
    {
      ...{ name: "alerts-dhis2", numberOfShards: 1, numberOfReplicas: 0, defaultPipeline: "p" },
      mappings: stableJson({ properties: { a: { type: "keyword" } } }),
      deletionProtection: false,
    },
    {
      defaultPipeline: "q",
      mappings: stableJson({ properties: { a: { type: "keyword" }, b: { type: "ip" } } }),
    },
    {
      create: [
        "PUT /alerts-dhis2?master_timeout=30000ms&timeout=30000ms&wait_for_active_shards=1",
        "GET /alerts-dhis2?flat_settings=true",
      ],
      update: [
        "PUT /alerts-dhis2/_settings",
        "PUT /alerts-dhis2/_mapping",
        "GET /alerts-dhis2?flat_settings=true",
      ],
      delete: ["DELETE /alerts-dhis2"],
    },
    ["mappings", stableJson({ properties: { a: { type: "text" } } })],
  ),
  ElasticsearchSecurityUser: sample(
    { username: "operator", password: "pa55word", roles: ["b", "a"], fullName: "Operator", enabled: true },
    { email: "a@b.c" },
    crud("/_security/user/operator"),
    ["username", "other"],
  ),
  ElasticsearchSecurityApiKey: sample(
    {
      name: "agent",
      roleDescriptors: stableJson({
        agent: {
          cluster: ["monitor"],
          indices: [{ names: ["logs"], privileges: ["create_doc"], allow_restricted_indices: false }],
        },
      }),
      metadata: stableJson({ container: "proxy" }),
    },
    { metadata: stableJson({ container: "db" }) },
    {
      create: ["PUT /_security/api_key", "GET /_security/api_key?id=ID"],
      update: ["PUT /_security/api_key/ID", "GET /_security/api_key?id=ID"],
      delete: ["DELETE /_security/api_key"],
    },
    ["name", "other"],
  ),
  KibanaActionConnector: sample(
    {
      name: "alerts",
      connectorTypeId: ".index",
      config: stableJson({ executionTimeField: "@timestamp", index: "alerts-dhis2-default", refresh: true }),
    },
    { name: "alarms" },
    {
      create: [`POST ${connectors}`, `GET ${connectors}/ID`],
      update: [`PUT ${connectors}/ID`, `GET ${connectors}/ID`],
      delete: [`DELETE ${connectors}/ID`],
    },
    ["connectorTypeId", ".server-log"],
  ),
  KibanaAlertingRule: sample(
    {
      ...{ ruleId: RULE_ID, name: "Failed logins for one user", consumer: "alerts", enabled: true },
      ...{ ruleTypeId: ".es-query", interval: "1m", tags: ["dhis2"], params: stableJson(ruleParams) },
      actions: [
        {
          group: "query matched",
          id: CONNECTOR_ID,
          params: stableJson({
            documents: [{ "@timestamp": "{{context.date}}", rule: { id: "{{rule.id}}" } }],
          }),
          frequency: { summary: false, notifyWhen: "onActionGroupChange" },
        },
      ],
    },
    { params: stableJson({ ...ruleParams, threshold: [4] }), enabled: false },
    {
      create: [`POST ${rulePath}`, `GET ${rulePath}`],
      update: [`PUT ${rulePath}`, `POST ${rulePath}/_disable`, `GET ${rulePath}`],
      delete: [`DELETE ${rulePath}`],
    },
    ["consumer", "siem"],
  ),
  KibanaDataView: sample(
    {
      dataView: {
        ...{ allowNoIndex: true, id: "dhis2-logs", name: "DHIS2 logs", timeFieldName: "@timestamp" },
        title: "logs-dhis2-*",
      },
      override: true,
    },
    {
      dataView: {
        ...{ allowNoIndex: true, id: "dhis2-logs", name: "Logs", timeFieldName: "@timestamp" },
        title: "logs-dhis2-*",
      },
    },
    {
      create: [`POST ${views}`],
      update: [`POST ${views}/dhis2-logs`],
      delete: [`DELETE ${views}/dhis2-logs`],
    },
    [
      "dataView",
      {
        allowNoIndex: true,
        id: "other",
        name: "DHIS2 logs",
        timeFieldName: "@timestamp",
        title: "logs-dhis2-*",
      },
    ],
  ),
  KibanaImportSavedObjects: sample(
    { fileContents: `{"id":"x","type":"dashboard","attributes":{"title":"t"}}\n`, overwrite: true },
    { fileContents: `{"id":"x","type":"dashboard","attributes":{"title":"u"}}\n` },
    {
      create: ["POST /api/saved_objects/_import?overwrite=true"],
      update: ["POST /api/saved_objects/_import?overwrite=true"],
      delete: [],
    },
  ),
  KibanaSecurityRole: sample(
    {
      name: "siem_analyst",
      elasticsearch: { clusters: ["monitor"], indices: [read] },
      kibanas: [{ bases: ["read"], spaces: ["default"] }],
    },
    {
      kibanas: [
        {
          features: [
            { name: "stackAlerts", privileges: ["read"] },
            { name: "discover", privileges: ["all"] },
          ],
          spaces: ["default"],
        },
      ],
    },
    {
      create: [`PUT ${roleOfKibana}?createOnly=true`, `GET ${roleOfKibana}`],
      update: [`PUT ${roleOfKibana}`, `GET ${roleOfKibana}`],
      delete: [`DELETE ${roleOfKibana}`],
    },
    ["name", "other"],
  ),
};
