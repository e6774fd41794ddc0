import assert from "node:assert/strict";
import { loadDetections } from "../../detections";
import { renderRule } from "../../render/rule";
import { matches, searchBody } from "../../kibana/es-query";
import { dslParams } from "../../kibana/rule-params";
import { withPipeline } from "../../commands/detections/real";
import { alertDocument } from "../support/alerts";
import { realElasticsearch } from "../../commands/elasticsearch";
import { putAlertIndex } from "../../commands/elasticsearch/pipelines";

const START = Date.parse("2024-03-01T10:00:00Z");

interface AlertDocument {
  readonly rule: { readonly id: string; readonly name: string };
  readonly message: string;
  readonly user?: { readonly name: string };
  readonly dhis2: {
    readonly alert: {
      readonly severity: string;
      readonly entity: string;
      readonly count: number;
      readonly window: string;
      readonly events: Record<string, unknown>[];
    };
  };
}

/** Runs a rule once over lines of a DHIS2 instance, as Kibana would, and gives the alerts that its action writes. */
async function alertsOf(
  name: string,
  messages: readonly string[],
  journal: string,
): Promise<AlertDocument[]> {
  const detection = loadDetections().detections.find((candidate) => candidate.name === name);
  assert(detection);
  const rendered = renderRule(detection, { dataStream: "logs" });
  const given = dslParams.parse(JSON.parse(rendered.params));
  const lines = messages.map((message, index) => ({
    "@timestamp": new Date(START + index * 1000).toISOString(),
    container: "dhis",
    type: "dhis2",
    journal,
    message,
  }));
  const now = new Date(START + 60_000);
  const params = { ...given, timeField: "@timestamp" };
  const body = searchBody(params, null, now);
  const played = JSON.parse(
    JSON.stringify(body).replaceAll("now-", `${now.toISOString()}||-`),
  ) as typeof body;
  const found = await withPipeline(async (index) => {
    await index.add([{ lines }]);
    const [answer] = await index.search([played]);
    return matches(params, answer ?? {}).matches;
  });

  const elasticsearch = await realElasticsearch();
  const alertIndex = await putAlertIndex(elasticsearch, "detections");
  for (const match of found) {
    await elasticsearch.bulk(`/${alertIndex}/_bulk?refresh=true`, [
      { create: {} },
      alertDocument(detection, match, now),
    ]);
  }
  const { hits } = (await elasticsearch.call("GET", `/${alertIndex}/_search`)) as {
    hits: { hits: { _source: AlertDocument }[] };
  };
  await elasticsearch.call("DELETE", `/${alertIndex}`);
  return hits.hits.map(({ _source }) => _source);
}

const failure = (user: string) =>
  `* INFO  2024-03-01T10:11:12,345 Authentication event: AuthenticationFailureBadCredentialsEvent; username: ${user}; exception: Bad credentials (AuthenticationLoggerListener.java [tomcat-http-7])`;

describe("an alert, from the line to the alert index", function () {
  this.timeout(600_000);

  it("says which rule, whom, how many, in which time and how bad, and carries the events", async () => {
    const alerts = await alertsOf(
      "dhis2_failed_logins_one_user",
      ["admin", "admin", "nurse1", "admin", "admin"].map(failure),
      "tomcat9",
    );
    assert.equal(alerts.length, 1);
    const [{ rule, dhis2, user }] = alerts as [AlertDocument];
    assert.deepEqual(rule, {
      ...rule,
      name: "Failed DHIS2 Logins for One User",
      id: "fde84b97-804a-4099-bd9d-83b9578b68a5",
    });
    const { severity, entity, count, window, events } = dhis2.alert;
    assert.deepEqual(
      { severity, entity, count, window },
      { severity: "medium", entity: "admin", count: 4, window: "5m" },
    );
    assert.deepEqual(user, { name: "admin" });
    assert.equal(events.length, 4);
    for (const event of events) assert.equal(event["event.original"], failure("admin"));
  });

  it("of single events takes its entity from them", async () => {
    const alerts = await alertsOf(
      "system_sudo_to_root",
      ["     eve : TTY=pts/0 ; PWD=/home/eve ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow"],
      "sudo",
    );
    assert.deepEqual(
      alerts.map(({ dhis2 }) => [dhis2.alert.entity, dhis2.alert.count, dhis2.alert.events.length]),
      [["eve", 1, 1]],
    );
  });

  it("is raised for a user name of 40 kB that is full of quotes, braces and templates", async () => {
    const hostile = `{{rule.name}}{{#context}}"}],"severity":"low",\\'${'"{}[]\\'.repeat(7000)}`;
    const alerts = await alertsOf(
      "dhis2_failed_logins_one_user",
      Array<string>(3).fill(failure(hostile)),
      "tomcat9",
    );
    assert.equal(alerts.length, 1);
    const [{ dhis2, rule }] = alerts as [AlertDocument];
    assert.equal(dhis2.alert.severity, "medium");
    assert.equal(dhis2.alert.count, 3);
    assert(dhis2.alert.entity.startsWith('{{rule.name}}{{#context}}"}],"severity"'));
    assert.equal(rule.name, "Failed DHIS2 Logins for One User");
    assert.equal(dhis2.alert.events.length, 3);
  });
});
