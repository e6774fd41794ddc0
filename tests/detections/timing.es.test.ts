import assert from "node:assert/strict";
import { loadDetections } from "../../detections";
import { LATENESS_MINUTES } from "../../pipelines/lateness";
import { renderRule } from "../../render/rule";
import { advance, type Alert, matches, searchBody } from "../../kibana/es-query";
import { dslParams } from "../../kibana/rule-params";
import { actionsOf } from "../../commands/detections/evaluate";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";

const INDEX = "rule-timing";
const MINUTE = 60_000;
const START = Date.parse("2024-03-01T10:00:00Z");
const minute = (minutes: number) => new Date(START + minutes * MINUTE).toISOString();

/** A line: when it was written and when it was ingested, in minutes; the rest of its document. */
interface Line {
  readonly written: number;
  readonly ingested?: number;
  readonly fields: Record<string, unknown>;
}

const failure = (written: number, ingested = written, user = "admin"): Line => ({
  written,
  ingested,
  fields: { event: { dataset: "dhis2.authentication", outcome: "failure" }, user: { name: user } },
});
const userAdded = (written: number, ingested = written): Line => ({
  written,
  ingested,
  fields: { event: { action: "user-added" }, user: { target: { name: "eve" } } },
});

/** What a container's timer says every five minutes; tagged as the pipelines would. */
const signOfLife = (written: number, ingested = written): Line => ({
  written,
  ingested,
  fields: {
    event: { dataset: "dhis2.health" },
    dhis2: { container: { name: "dhis" } },
    tags: ingested - written > LATENESS_MINUTES ? ["late"] : [],
  },
});

describe("rules in time, as Kibana runs them", function () {
  this.timeout(600_000);
  let elasticsearch: RealElasticsearch;
  before(async () => {
    elasticsearch = await realElasticsearch();
  });
  after(() => elasticsearch.call("DELETE", `/${INDEX}`));

  /** Runs a rule every minute over the lines; the count of each action, by the minute in which it was done. */
  async function actions(
    name: string,
    lines: readonly Line[],
    minutes: number,
  ): Promise<Record<number, number[]>> {
    await elasticsearch.call("DELETE", `/${INDEX}?ignore_unavailable=true`);
    const keyword = { type: "keyword" };
    await elasticsearch.call("PUT", `/${INDEX}`, {
      mappings: {
        dynamic_templates: [{ texts: { match_mapping_type: "string", mapping: keyword } }],
        properties: { "@timestamp": { type: "date" }, event: { properties: { ingested: { type: "date" } } } },
      },
    });
    const body = lines.flatMap(({ written, ingested = written, fields }) => [
      { create: {} },
      {
        ...fields,
        "@timestamp": minute(written),
        event: { ...(fields.event as object), ingested: minute(ingested) },
      },
    ]);
    await elasticsearch.bulk(`/${INDEX}/_bulk?refresh=true`, body);

    const detection = loadDetections().detections.find((candidate) => candidate.name === name);
    assert(detection);
    const ruleActions = actionsOf(detection);
    const params = dslParams.parse(JSON.parse(renderRule(detection, { dataStream: INDEX }).params));
    let active: Record<string, Alert> = {};
    let seenUntil: string | null = null;
    const done: Record<number, number[]> = {};
    for (let at = 0; at <= minutes; at += 1) {
      const now = new Date(START + at * MINUTE);
      // The rule's "now" is the minute that is played, not the one in which the test runs.
      const search = JSON.stringify(searchBody(params, seenUntil, now)).replaceAll(
        "now-",
        `${now.toISOString()}||-`,
      );
      const answer = await elasticsearch.call("POST", `/${INDEX}/_search`, JSON.parse(search) as object);
      const found = matches(params, answer);
      const { alerts, firings } = advance(ruleActions, active, found.matches, now, () => "alert");
      active = alerts;
      seenUntil = found.seenUntil ?? seenUntil;
      if (firings.length > 0) done[at] = firings.map(({ match }) => match.value);
    }
    return done;
  }

  describe("about single events", () => {
    it("act once for an event", async () => {
      assert.deepEqual(await actions("system_user_added", [userAdded(1.5)], 12), { 2: [1] });
    });

    it("act again for a second event while the alert is active", async () => {
      const lines = [userAdded(1.5), userAdded(2.5), userAdded(4.5), userAdded(4.6)];
      assert.deepEqual(await actions("system_user_added", lines, 12), { 2: [1], 3: [1], 5: [2] });
    });

    it("act for an event that arrives twenty minutes late, though newer ones came before", async () => {
      const lines = [userAdded(25, 25.5), userAdded(10, 30.5)];
      assert.deepEqual(await actions("system_user_added", lines, 40), { 26: [1], 31: [1] });
    });

    it("raise no storm from the backlog of a first installation", async () => {
      const backlog = Array.from({ length: 500 }, (_, index) => userAdded(-index * 90 - 70, 1 + index / 250));
      assert.deepEqual(await actions("system_user_added", backlog, 20), {});
    });
  });

  describe("that count", () => {
    it("act once for the events of one window", async () => {
      const lines = [failure(1.1), failure(1.5), failure(1.9), failure(2.5)];
      assert.deepEqual(await actions("dhis2_failed_logins_one_user", lines, 15), { 2: [3] });
    });

    it("act again after their window while it goes on", async () => {
      const lines = Array.from({ length: 60 }, (_, index) => failure(1.1 + index / 4));
      const done = await actions("dhis2_failed_logins_one_user", lines, 25);
      assert.deepEqual(Object.keys(done).map(Number), [2, 7, 12, 17]);
    });

    it("act for each entity", async () => {
      const lines = ["admin", "nurse1"].flatMap((user) => [1.1, 1.2, 1.3].map((at) => failure(at, at, user)));
      assert.deepEqual(await actions("dhis2_failed_logins_one_user", lines, 10), { 2: [3, 3] });
    });

    it("act for events that arrive twenty minutes late", async () => {
      const lines = [failure(1, 21.5), failure(2, 21.6), failure(3, 21.7)];
      assert.deepEqual(await actions("dhis2_failed_logins_one_user", lines, 30), { 22: [3] });
    });

    it("raise no storm from the backlog of a first installation", async () => {
      const backlog = Array.from({ length: 500 }, (_, index) =>
        failure(-index * 20 - 70, 1 + index / 250, `user${index % 50}`),
      );
      assert.deepEqual(await actions("dhis2_failed_logins_one_user", backlog, 20), {});
    });
  });

  it("about a state that lasts, act once in their window", async () => {
    const fields = {
      event: { action: "disk-usage" },
      dhis2: { container: { name: "siem", type: "es_siem" }, health: { used_percent: 84 } },
    };
    const lines = Array.from({ length: 13 * 12 }, (_, index) => ({ written: 5 * index + 1.5, fields }));
    const done = await actions("siem_disk_filling", lines, 13 * 60);
    assert.deepEqual(Object.keys(done).map(Number), [2, 362, 722]);
  });

  describe("about lines that come too late", () => {
    const outage = (minutes: number) => [
      ...Array.from({ length: minutes / 5 }, (_, index) => signOfLife(5 * index - minutes, 1.5)),
      ...Array.from({ length: 6 }, (_, index) => signOfLife(5 * index + 2)),
    ];

    it("act once after an outage", async () => {
      assert.deepEqual(await actions("siem_lines_late", outage(180), 30), { 2: [25] });
    });

    it("act once after an outage of days, whose first lines no rule looks for any more", async () => {
      const done = await actions("siem_lines_late", outage(3 * 24 * 60), 30);
      assert.deepEqual(Object.keys(done), ["2"]);
    });

    it("do not act after an outage that other rules bridge", async () => {
      assert.deepEqual(await actions("siem_lines_late", outage(60), 30), {});
    });
  });
});
