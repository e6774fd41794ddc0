import assert from "node:assert/strict";
import { secret, UNKNOWN } from "../../lab/standins/pulumi/marks";
import type { Standin, Subject } from "../../lab/standins/pulumi/serve";
import { createElasticstack } from "../../lab/standins/pulumi/elasticstack";
import recorded from "./provider-calls.json";
import { CONNECTOR_ID, RULE_ID, SAMPLES, token } from "./providers-samples";
import { type Recorded, type Servers, startServers } from "./providers-servers";

const LOGIN = { username: "elastic", password: "t0p-secret" };

function subject(kind: string, lines: string[] = []): Subject {
  return { token: token(kind), name: "x", log: (_severity, line) => lines.push(line) };
}

function sampleOf(kind: string) {
  const sample = SAMPLES[kind];
  assert.ok(sample, kind);
  return sample;
}

describe("the stand-in for elasticstack", () => {
  let servers: Servers;
  let provider: Standin;

  beforeEach(async () => {
    servers = await startServers();
    provider = createElasticstack();
    const block = JSON.stringify({ ...LOGIN, endpoints: [servers.url] });
    provider.configure?.({ elasticsearch: block, kibana: block });
  });
  afterEach(() => servers.close());

  /** Paths with an id that a server has made up, as "ID". */
  function called(id: string): string[] {
    const made = id.split("/").at(-1) ?? "";
    const lines = servers.lines().filter((line) => line !== "GET /");
    return /^[0-9a-f-]{36}$/.test(made) && !made.startsWith("6f1c5a4e")
      ? lines.map((line) => line.replace(made, "ID"))
      : lines;
  }

  for (const [kind, { inputs, changed, replacing, calls }] of Object.entries(SAMPLES)) {
    it(`makes, reads back, changes and deletes ${kind}`, async () => {
      const about = subject(kind);
      assert.deepEqual(provider.check?.(about.token, inputs), inputs);
      const { id, outputs } = await provider.create(about, inputs);
      assert.deepEqual(called(id), calls.create);
      assert.deepEqual(provider.diff(about.token, outputs, inputs, inputs), { changed: [], replaces: [] });

      const read = await provider.read?.(about, id, outputs, inputs);
      assert.ok(read);
      assert.deepEqual(read.inputs, inputs, "a refresh changes no inputs");
      assert.deepEqual(read.outputs, outputs, "nor outputs");

      servers.lines();
      const change = provider.diff(about.token, outputs, inputs, changed);
      assert.notDeepEqual(change.changed, []);
      assert.deepEqual(change.replaces, []);
      const after = await provider.update?.(about, id, outputs, changed);
      assert.ok(after);
      assert.deepEqual(called(id), calls.update);
      assert.deepEqual(provider.diff(about.token, after, changed, changed).changed, []);

      if (replacing) {
        const other = { ...changed, [replacing[0]]: replacing[1] };
        assert.notDeepEqual(provider.diff(about.token, after, changed, other).replaces, []);
      }
      await provider.delete(about, id, after);
      assert.deepEqual(called(id), calls.delete);
      if (kind !== "KibanaImportSavedObjects") {
        assert.equal(await provider.read?.(about, id, after, changed), undefined, "it is gone");
      }
    });
  }

  it("sends Kibana what the real provider was recorded to send", async () => {
    const order = [
      "KibanaActionConnector",
      "KibanaImportSavedObjects",
      "KibanaDataView",
      "KibanaSecurityRole",
    ];
    const made: [string, string, Record<string, unknown>][] = [];
    for (const kind of [...order, "KibanaAlertingRule"]) {
      const { inputs } = sampleOf(kind);
      const { id, outputs } = await provider.create(subject(kind), inputs);
      made.push([kind, id, outputs]);
    }
    const [, view, outputs] = made[2] ?? [];
    await provider.read?.(
      subject("KibanaDataView"),
      view ?? "",
      outputs ?? {},
      sampleOf("KibanaDataView").inputs,
    );
    for (const kind of [
      "KibanaAlertingRule",
      "KibanaActionConnector",
      "KibanaDataView",
      "KibanaSecurityRole",
    ]) {
      const [, id, state] = made.find(([name]) => name === kind) ?? [];
      await provider.delete(subject(kind), id ?? "", state ?? {});
    }
    const connector = made[0]?.[1].split("/")[1] ?? "";
    assert.deepEqual(
      servers.calls.filter(({ path }) => path !== "/").map((call) => comparable(call, connector)),
      (recorded as unknown as Recorded[]).map((call) => comparable(call, CONNECTOR_ID)),
    );
  });

  it("sends Elasticsearch the bodies that the real provider builds", async () => {
    const bodies: Record<string, unknown> = {};
    for (const kind of Object.keys(SAMPLES).filter((name) => name.startsWith("Elasticsearch"))) {
      await provider.create(subject(kind), sampleOf(kind).inputs);
      bodies[kind] = servers.calls.filter(({ method }) => method === "PUT").at(-1)?.body;
    }
    assert.deepEqual(bodies, {
      ElasticsearchIngestPipeline: {
        description: "d",
        on_failure: [{ drop: {} }],
        processors: [{ set: { field: "a", value: "b" } }],
      },
      ElasticsearchIndexTemplate: {
        composed_of: [],
        data_stream: { hidden: false },
        index_patterns: ["logs-dhis2-x"],
        priority: 500,
        template: {
          mappings: { dynamic: false },
          settings: { index: { number_of_shards: "1" } },
          lifecycle: { data_retention: "90d" },
        },
      },
      ElasticsearchIndex: {
        mappings: { properties: { a: { type: "keyword" } } },
        settings: { default_pipeline: "p", number_of_replicas: 0, number_of_shards: 1 },
      },
      ElasticsearchSecurityUser: {
        full_name: "Operator",
        password: "pa55word",
        roles: ["b", "a"],
        enabled: true,
      },
      ElasticsearchSecurityApiKey: {
        name: "agent",
        role_descriptors: {
          agent: {
            cluster: ["monitor"],
            indices: [{ names: ["logs"], privileges: ["create_doc"], allow_restricted_indices: false }],
          },
        },
        metadata: { container: "proxy" },
      },
    });
  });

  it("refuses an empty list where the real provider does", () => {
    const about = subject("ElasticsearchIngestPipeline").token;
    const { inputs } = sampleOf("ElasticsearchIngestPipeline");
    assert.throws(() => provider.check?.(about, { ...inputs, onFailures: [] }), {
      message:
        "Not enough list items: Attribute on_failure requires 1 item minimum, but config has only 0 declared",
    });
    assert.ok(provider.check?.(about, { ...inputs, onFailures: undefined }));
  });

  it("logs in on every call, and leaves an unchanged password alone", async () => {
    const { inputs, changed } = sampleOf("ElasticsearchSecurityUser");
    const { id, outputs } = await provider.create(subject("ElasticsearchSecurityUser"), inputs);
    await provider.update?.(subject("ElasticsearchSecurityUser"), id, outputs, changed);
    const puts = servers.calls.filter(({ method }) => method === "PUT").map(({ body }) => body);
    assert.ok(!("password" in (puts[1] as object)));
    const basic = `Basic ${Buffer.from("elastic:t0p-secret").toString("base64")}`;
    assert.deepEqual([...new Set(servers.calls.map(({ authorization }) => authorization))], [basic]);
  });

  it("keeps an API key's secrets over an update, and marks them", async () => {
    const { inputs, changed } = sampleOf("ElasticsearchSecurityApiKey");
    const about = subject("ElasticsearchSecurityApiKey");
    const { id, outputs } = await provider.create(about, inputs);
    assert.equal(id, `c1/${String(outputs.keyId)}`);
    const after = await provider.update?.(about, id, outputs, changed);
    assert.deepEqual([after?.apiKey, after?.encoded, after?.keyId], ["s3cret", "ZW5j", outputs.keyId]);
    assert.deepEqual(provider.secrets(about.token), ["apiKey", "encoded"]);
  });

  it("wants to update an API key for ever that leaves out allow_restricted_indices", async () => {
    const about = subject("ElasticsearchSecurityApiKey");
    const inputs = {
      name: "k",
      roleDescriptors: JSON.stringify({ a: { indices: [{ names: ["x"], privileges: ["read"] }] } }),
    };
    const { outputs } = await provider.create(about, inputs);
    assert.deepEqual(provider.diff(about.token, outputs, inputs, inputs).changed, ["roleDescriptors"]);
  });

  it("compares rule params as the exact JSON that Kibana gave back", async () => {
    const about = subject("KibanaAlertingRule");
    const { inputs } = sampleOf("KibanaAlertingRule");
    const { id } = await provider.create(about, inputs);
    const path = `/s/default/api/alerting/rule/${id.split("/")[1]}`;
    const rule = servers.kept.get(path) as { params: object };
    servers.kept.set(path, { ...rule, params: { ...rule.params, added: true } });
    const read = await provider.read?.(about, id, inputs, inputs);
    assert.deepEqual(provider.diff(about.token, read?.outputs ?? {}, inputs, inputs).changed, ["params"]);
  });

  it("sees a change behind its back at a refresh, in inputs and outputs", async () => {
    const about = subject("KibanaDataView");
    const { inputs } = sampleOf("KibanaDataView");
    const { id, outputs } = await provider.create(about, inputs);
    const path = "/s/default/api/data_views/data_view/dhis2-logs";
    const { data_view: view } = servers.kept.get(path) as { data_view: object };
    servers.kept.set(path, { data_view: { ...view, name: "renamed" } });
    const read = await provider.read?.(about, id, outputs, inputs);
    assert.equal((read?.inputs.dataView as { name: string }).name, "renamed");
    assert.deepEqual(provider.diff(about.token, read?.outputs ?? {}, inputs, inputs).changed, [
      "dataView.name",
    ]);
  });

  it("sees at a refresh what was taken away behind its back", async () => {
    const about = subject("ElasticsearchIngestPipeline");
    const { inputs } = sampleOf("ElasticsearchIngestPipeline");
    const { id, outputs } = await provider.create(about, inputs);
    servers.kept.set("/_ingest/pipeline/p", { processors: [{ set: { field: "a", value: "b" } }] });
    const read = await provider.read?.(about, id, outputs, inputs);
    assert.equal(read?.inputs.description, undefined);
    const { changed } = provider.diff(about.token, read?.outputs ?? {}, inputs, inputs);
    assert.deepEqual(changed, ["description", "onFailures"]);
  });

  it("leaves an index the fields that are gone from its mappings", async () => {
    const about = subject("ElasticsearchIndex");
    const mappings = (properties: object) => JSON.stringify({ properties });
    const [a, b] = [{ properties: { x: { type: "ip" } } }, { type: "keyword" }];
    const inputs = { name: "i", mappings: mappings({ a, b }) };
    const { id, outputs } = await provider.create(about, inputs);
    const fewer = { ...inputs, mappings: mappings({ a: { properties: {} } }) };
    assert.deepEqual(provider.diff(about.token, outputs, inputs, fewer).changed, []);
    const other = { ...inputs, mappings: mappings({ a: { properties: { y: { type: "ip" } } } }) };
    assert.deepEqual(provider.diff(about.token, outputs, inputs, other).changed, ["mappings"]);
    await provider.update?.(about, id, outputs, other);
    const both = { x: { type: "ip" }, y: { type: "ip" } };
    assert.deepEqual(servers.calls.find(({ path }) => path === "/i/_mapping")?.body, {
      properties: { a: { properties: both }, b },
    });
  });

  it("starts a rule enabled that is made with enabled: false, and disables it at the next update", async () => {
    const about = subject("KibanaAlertingRule");
    const inputs = { ...sampleOf("KibanaAlertingRule").inputs, enabled: false };
    const { id, outputs } = await provider.create(about, inputs);
    assert.deepEqual(provider.diff(about.token, outputs, inputs, inputs).changed, ["enabled"]);
    const after = await provider.update?.(about, id, outputs, inputs);
    assert.deepEqual(provider.diff(about.token, after ?? {}, inputs, inputs).changed, []);
  });

  it('wants to update an index for ever whose mappings say false where the server says "false"', async () => {
    const about = subject("ElasticsearchIndex");
    const inputs = { name: "i", mappings: `{"dynamic":false}` };
    const { id, outputs } = await provider.create(about, inputs);
    servers.kept.set("/i", { mappings: { dynamic: "false" } });
    const read = await provider.read?.(about, id, outputs, inputs);
    assert.deepEqual(provider.diff(about.token, read?.outputs ?? {}, inputs, inputs).changed, ["mappings"]);
  });

  it("compares a set without its order, and a list in it", () => {
    const role = (...indices: object[]) => ({ elasticsearch: { indices } });
    const [a, b] = [
      ["a", "b"].map((name) => ({ names: [name, "c"] })),
      ["b", "a"].map((name) => ({ names: ["c", name] })),
    ];
    for (const [kind, was, wanted, changed] of [
      ["KibanaSecurityRole", role(...a), role(...b), []],
      ["ElasticsearchSecurityUser", { roles: ["a", "b"] }, { roles: ["b", "a"] }, []],
      ["KibanaAlertingRule", { tags: ["a", "b"] }, { tags: ["b", "a"] }, ["tags"]],
    ] as const) {
      assert.deepEqual(provider.diff(token(kind), was, was, wanted).changed, changed);
    }
  });

  it("replaces a resource of the same name by deleting it first", async () => {
    const about = subject("KibanaAlertingRule");
    const { inputs } = sampleOf("KibanaAlertingRule");
    const { outputs } = await provider.create(about, inputs);
    const other = { ...inputs, consumer: "siem" };
    assert.equal(provider.diff(about.token, outputs, inputs, other).deleteFirst, true);
    assert.equal(provider.diff(about.token, outputs, inputs, { ...other, name: "n" }).deleteFirst, undefined);
  });

  it("keeps a protected index", async () => {
    const about = subject("ElasticsearchIndex");
    const { outputs } = await provider.create(about, { name: "i" });
    await assert.rejects(provider.delete(about, "c1/i", outputs), /deletion_protection=false/);
  });

  it("offers a change for a value that is not known yet", () => {
    const inputs = { name: "p", processors: ["{}"] };
    const change = provider.diff(token("ElasticsearchIngestPipeline"), inputs, inputs, {
      ...inputs,
      description: UNKNOWN,
    });
    assert.deepEqual(change, { changed: ["description"], replaces: [] });
  });

  it("refuses a resource without a name, and what it does not know", () => {
    const check = (kind: string, inputs: Record<string, unknown>) => () =>
      provider.check?.(token(kind), inputs);
    assert.throws(
      check("ElasticsearchIngestPipeline", { processors: ["{}"] }),
      /gives no name to elasticstack:/,
    );
    assert.throws(
      check("ElasticsearchIndex", { name: "i", sortFields: ["a"], codec: "best" }),
      /the stand-in does not know sortFields, codec of elasticstack:.*:ElasticsearchIndex/,
    );
    // The real one ignores this when it creates, and then wants to replace the connector for ever.
    assert.throws(
      check("KibanaActionConnector", { ...sampleOf("KibanaActionConnector").inputs, connectorId: "mine" }),
      /does not know connectorId/,
    );
    assert.throws(
      check("KibanaDataView", { dataView: secret({ title: "t", fieldAttrs: {} }) }),
      /does not know dataView\.fieldAttrs/,
    );
    const frequency = { alertsFilter: {} };
    assert.throws(
      check("KibanaAlertingRule", { ruleId: RULE_ID, actions: [{ id: "c" }, { frequency }] }),
      /does not know actions\.frequency\.alertsFilter/,
    );
    assert.throws(check("KibanaSpace", {}), /has no elasticstack:index\/kibanaSpace/);
  });

  it("warns of an import that failed in part, and fails where nothing came in", async () => {
    const lines: string[] = [];
    const about = subject("KibanaImportSavedObjects", lines);
    const { inputs } = sampleOf("KibanaImportSavedObjects");
    const errors = [{ id: "y", type: "lens", error: { type: "missing_references" } }];
    servers.fail(200, JSON.stringify({ success: false, successCount: 1, errors }));
    const { outputs } = await provider.create(about, inputs);
    assert.equal(outputs.success, false);
    assert.match(lines.join(), /not all objects were imported.*lens y.*missing_references/);
    servers.fail(200, JSON.stringify({ success: false, successCount: 0, errors }));
    await assert.rejects(provider.create(about, inputs), /no objects imported successfully: lens y/);
  });
});

/** A call without what differs from run to run or means nothing: the boundary, made-up ids, the order of sets and of calls. */
function comparable({ method, path, headers, body }: Recorded, connector: string): unknown {
  const boundary = /boundary=(.*)/.exec(headers["content-type"] ?? "")?.[1] ?? "no boundary";
  const sorted = (key: string, value: unknown): unknown =>
    key === "privileges" && Array.isArray(value)
      ? [...(value as string[])].sort()
      : // What the recorder itself added to a rule's actions.
        key === "uuid" || (key === "connector_type_id" && path.includes("/rule/"))
        ? undefined
        : value;
  const text = JSON.stringify({ method, path, headers, body }, sorted).replaceAll(boundary, "BOUNDARY");
  return JSON.parse(path.includes("/rule/") ? text : text.replaceAll(connector, "CONNECTOR"));
}
