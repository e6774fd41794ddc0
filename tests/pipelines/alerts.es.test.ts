import assert from "node:assert/strict";
import fc from "fast-check";
import Mustache from "mustache";
import type { Json } from "../../core/json";
import { renderAlertDocument, renderAlertMappings, type AlertingRule } from "../../pipelines";
import { filebeatEvents } from "../../commands/parse/filebeat";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { putPipelines, simulate } from "../../commands/elasticsearch/pipelines";

const INDEX = "alert-pipeline";
const RULE: AlertingRule = {
  description: "Three logins of one user failed within five minutes.",
  severity: "high",
  tags: ["attack.credential-access", "attack.t1110.001", "dhis2"],
  note: 'Look at the proxy. "Ask" the user.',
  window: "5m",
  threshold: ">= 3",
  count: "{{context.value}}",
  entityFields: ["user.name"],
  entity: "{{alert.id}}",
};

/** The document as Kibana's `.index` connector writes it: mustache in every text, nothing escaped. */
function written(rule: AlertingRule, alertId: string, hits: readonly object[]): Json {
  const context = {
    rule: { id: "f3f5b1c2", name: "DHIS2 Failed Logins" },
    alert: { id: alertId, uuid: "0b7e" },
    context: { value: hits.length, link: "/app/rule/f3f5b1c2", hits: { asJSON: JSON.stringify(hits) } },
  };
  const render = (value: unknown): unknown =>
    typeof value === "string"
      ? Mustache.render(value, context, undefined, { escape: String })
      : Object.fromEntries(Object.entries(value as Json).map(([key, inner]) => [key, render(inner)]));
  return { "@timestamp": "2024-03-01T10:15:00.000Z", ...(render(renderAlertDocument(rule)) as Json) };
}

describe("alerts, as their pipeline makes documents of what the connector writes", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let entry: string;
  let alerts: string;
  before(async () => {
    elasticsearch = await realElasticsearch();
    ({ entry, alerts } = await putPipelines(elasticsearch, "alerts"));
  });
  beforeEach(async () => {
    await elasticsearch.call("DELETE", `/${INDEX}?ignore_unavailable=true`);
    const settings = { default_pipeline: alerts, number_of_replicas: 0 };
    await elasticsearch.call("PUT", `/${INDEX}`, { mappings: renderAlertMappings(), settings });
  });
  after(() => elasticsearch.call("DELETE", `/${INDEX}?ignore_unavailable=true`));

  /** Failed logins of these users, as hits of a search. */
  async function hits(...users: string[]): Promise<object[]> {
    const events = users.map(
      (user) =>
        filebeatEvents({
          "@timestamp": "2024-03-01T10:11:12.000Z",
          container: "dhis",
          type: "dhis2",
          journal: "tomcat9",
          message: `* INFO  2022-03-01T10:11:12,345 Authentication event: AuthenticationFailureBadCredentialsEvent; username: ${user}; exception: Bad credentials (AuthenticationLoggerListener.java [tomcat-http-7])`,
        })["8.19"],
    );
    const documents = await simulate(elasticsearch, entry, events);
    return documents.map((_source, at) => ({ _index: ".ds-logs", _id: `id-${at}`, _score: 1, _source }));
  }

  async function store(...documents: Json[]): Promise<Json[]> {
    const body = documents.flatMap((document, at) => [{ create: { _id: `${at}` } }, document]);
    await elasticsearch.bulk(`/${INDEX}/_bulk?refresh=true`, body);
    const { docs } = await elasticsearch.call("POST", `/${INDEX}/_mget`, {
      ids: documents.map((_, at) => `${at}`),
    });
    return (docs as { _source: Json }[]).map(({ _source }) => _source);
  }

  async function count(query: object): Promise<unknown> {
    return (await elasticsearch.call("POST", `/${INDEX}/_count`, { query })).count;
  }

  it("say rule, entity, count, window and severity, and carry their events", async () => {
    const [alert = {}] = await store(written(RULE, "admin", await hits("admin", "admin", "admin")));
    const { events, ...rest } = (alert.dhis2 as { alert: Json & { events: Json[] } }).alert;
    assert.deepEqual(rest, {
      id: "admin",
      uuid: "0b7e",
      link: "/app/rule/f3f5b1c2",
      severity: "high",
      entity: "admin",
      entity_fields: ["user.name"],
      count: 3,
      threshold: ">= 3",
      window: "5m",
      note: RULE.note,
    });
    assert.equal(alert.message, "DHIS2 Failed Logins: admin (3 in 5m)");
    assert.deepEqual(alert.user, { name: "admin" });
    assert.deepEqual(alert.rule, {
      id: "f3f5b1c2",
      name: "DHIS2 Failed Logins",
      description: RULE.description,
    });
    assert.deepEqual(alert.threat, {
      tactic: { name: ["credential-access"] },
      technique: { id: ["T1110.001"] },
    });
    assert.equal((alert.event as Json).severity, 73);
    assert.equal(events.length, 3);
    assert.equal(events[0]?._id, "id-0");
    assert.equal(events[0]?.["user.name"], "admin");
    assert.match(String(events[0]?.["event.original"]), /^\* INFO .*username: admin; /);
    assert.equal(
      await count({
        bool: {
          filter: [{ range: { "dhis2.alert.count": { gte: 3 } } }, { term: { "user.name": "admin" } }],
        },
      }),
      1,
    );
  });

  it("of a rule that is not grouped are about all whom their events are about", async () => {
    const ungrouped = { ...RULE, entity: undefined };
    const [several = {}] = await store(written(ungrouped, "query matched", await hits("b", "a", "b")));
    assert.deepEqual((several.dhis2 as { alert: Json }).alert.entity, ["b", "a"]);
    assert.deepEqual(several.user, { name: ["b", "a"] });
    assert.equal(several.message, "DHIS2 Failed Logins: b and 1 more (3 in 5m)");
  });

  it("about two fields together name both", async () => {
    const pairs = { ...RULE, entity: undefined, entityFields: ["user.name", "dhis2.container.name"] };
    const [alert = {}] = await store(written(pairs, "query matched", await hits("a")));
    assert.equal((alert.dhis2 as { alert: Json }).alert.entity, "a,dhis");
    assert.equal(alert.user, undefined);
  });

  it("about an address have it where ECS has it", async () => {
    const rule = { ...RULE, entityFields: ["source.ip"] };
    const [alert = {}] = await store(written(rule, "203.0.113.9", []));
    assert.deepEqual(alert.source, { ip: "203.0.113.9" });
    assert.equal(alert.user, undefined);
  });

  it("come whatever a user is called", async () => {
    const name = `"'{{rule.name}} {"a": [}]}, \\ \u0001\n${'n{{x}}\u{1f600}\\"'.repeat(5000)}`;
    assert.ok(name.length > 40_000);
    const found = await hits(name, name, name);
    const key = (found[0] as { _source: { user: { name: string } } })._source.user.name;
    const [alert = {}] = await store(written(RULE, key, found));
    assert.equal((alert.user as Json).name, key);
    assert.equal(alert.error, undefined);
    const { events, count: many } = (alert.dhis2 as { alert: { events: Json[]; count: number } }).alert;
    assert.equal(many, 3);
    assert.equal(events.length, 3);
    assert.ok(JSON.stringify(events).length < 100_000);
    assert.equal(await count({ term: { "user.name": key } }), 1);
  });

  it("carry at most five events, and count all", async () => {
    const found = await hits("admin");
    const [alert = {}] = await store(
      written(
        RULE,
        "admin",
        Array.from({ length: 150 }, () => found[0] ?? {}),
      ),
    );
    const { events, count: many } = (alert.dhis2 as { alert: { events: Json[]; count: number } }).alert;
    assert.deepEqual([events.length, many], [5, 150]);
  });

  it("come without their events where those cannot be read, and say so", async () => {
    const broken = written(RULE, "admin", []);
    (broken.dhis2 as { alert: Json }).alert.events = '[{"_source": ';
    const [alert = {}] = await store(broken);
    assert.deepEqual(alert.tags, ["alert_incomplete"]);
    assert.match(String((alert.error as Json).message), /^the events must be a JSON list; they are: \[/);
    assert.deepEqual(alert.user, { name: "admin" });
  });

  it("are taken in any shape", async () => {
    const value = fc.jsonValue({ maxDepth: 4, noUnicodeString: false });
    const shape = fc.record(
      {
        "@timestamp": value,
        rule: value,
        event: value,
        threat: value,
        user: value,
        source: value,
        message: value,
        dhis2: fc.oneof(
          value,
          fc.record({
            alert: fc.dictionary(
              fc.constantFrom(..."entity entity_fields events count window severity note link".split(" ")),
              fc.oneof(value, fc.json()),
            ),
          }),
        ),
      },
      { requiredKeys: [] },
    );
    const documents = fc.sample(shape, { seed: 20240301, numRuns: 1000 }) as Json[];
    const stored = await store(...documents);
    assert.equal(stored.length, 1000);
    for (const alert of stored) assert.equal((alert.event as Json).kind, "alert", JSON.stringify(alert));
  });
});
