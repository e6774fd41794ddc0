import assert from "node:assert/strict";
import {
  advance,
  type Alert,
  type Firing,
  matches,
  type Params,
  renderAll,
  type Rule,
  searchBody,
  variables,
} from "../../lab/standins/kibana/rule";
import { dslParams, ruleCreate } from "../../lab/standins/kibana/schemas";
import type { Json } from "../../lab/standins/kibana/words";
import { action, params, ruleBody, ruleId } from "./kibana-samples";

describe("the stand-in for Kibana: a rule's life", () => {
  const minute = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, n));
  const grouped = dslParams.parse(params);
  const single = dslParams.parse({
    ...params,
    groupBy: "all",
    termField: undefined,
    termSize: undefined,
    threshold: [1],
    excludeHitsFromPreviousRun: true,
  });
  function rule(notify_when: string, throttle: string | null = null, more: Json = {}): Rule {
    const actions = ["query matched", "recovered"].map((group) => ({
      ...action,
      group,
      uuid: group,
      frequency: { summary: false, notify_when, throttle },
    }));
    return {
      ...ruleCreate.parse({ ...ruleBody, ...more, actions }),
      id: ruleId,
      revision: 0,
      params,
    } as Rule;
  }

  /** Runs a rule at these minutes with these alert ids active; gives `minute group id` of each action. */
  function live(subject: Rule, runs: [number, string[]][]): string[] {
    let alerts: Record<string, Alert> = {};
    let made = 0;
    const done: string[] = [];
    for (const [at, ids] of runs) {
      const found = ids.map((id) => ({ id, value: 3, hits: [] }));
      const result = advance(subject, alerts, found, minute(at), () => `uuid-${++made}`);
      ({ alerts } = result);
      done.push(...result.firings.map((firing) => `${at} ${firing.action.group} ${firing.alert.id}`));
    }
    return done;
  }

  // prettier-ignore
  const lives: [string, Rule, [number, string[]][], string[]][] = [
    ["onActiveAlert acts on every run", rule("onActiveAlert"),
      [[0, ["a"]], [1, ["a"]], [2, []], [3, []]],
      ["0 query matched a", "1 query matched a", "2 recovered a"]],
    ["onActionGroupChange acts once until it recovers: a second event while it is active says nothing", rule("onActionGroupChange"),
      [[0, ["a"]], [1, ["a"]], [2, ["a", "b"]], [3, []], [4, ["a"]]],
      ["0 query matched a", "2 query matched b", "3 recovered a", "3 recovered b", "4 query matched a"]],
    ["onThrottleInterval acts again once the interval is over", rule("onThrottleInterval", "5m"),
      [[0, ["a"]], [1, ["a"]], [4, ["a"]], [5, ["a"]], [6, ["a"]]],
      ["0 query matched a", "5 query matched a"]],
    ["a throttle is forgotten when its alert recovers", rule("onThrottleInterval", "5m"),
      [[0, ["a"]], [1, []], [2, ["a"]]],
      ["0 query matched a", "1 recovered a", "2 query matched a"]],
    ["alert_delay waits for so many runs, and a delayed alert recovers in silence", rule("onActiveAlert", null, { alert_delay: { active: 2 } }),
      [[0, ["a", "b"]], [1, ["a"]], [2, []]],
      ["1 query matched a", "2 recovered a"]],
    ["a name that objects have by nature is a name", rule("onActionGroupChange"),
      [[0, ["constructor"]], [1, []]],
      ["0 query matched constructor", "1 recovered constructor"]],
  ];
  for (const [what, subject, runs, expected] of lives)
    it(what, () => assert.deepEqual(live(subject, runs), expected));

  /** The hits of a search for documents of which only the time they arrived matters. */
  function search(query: Params, seenUntil: string | null, now: Date, arrivals: Date[]): Json {
    const body = searchBody(query, seenUntil, now) as {
      query: {
        bool: {
          filter: [unknown, { range: Record<string, { gte: string; lte: string }> }];
          must_not?: { range: Record<string, { lte: string }> }[];
        };
      };
    };
    const { gte = "", lte = "" } = body.query.bool.filter[1].range["event.ingested"] ?? {};
    const seen = body.query.bool.must_not?.[0]?.range["event.ingested"]?.lte ?? "";
    const times = arrivals
      .map((time) => time.toISOString())
      .filter((time) => time >= gte && time <= lte && time > seen);
    const hits = times
      .sort()
      .reverse()
      .map((time) => ({ sort: [Date.parse(time)] }));
    return { hits: { total: { value: hits.length }, hits } };
  }

  it("counts each single event once by the time it arrived, also twenty minutes late", () => {
    let seenUntil: string | null = null;
    const counts = [1, 2, 3, 21, 22, 23].map((at) => {
      const arrivals = [minute(1), minute(2), minute(21)].filter((time) => time <= minute(at));
      const found = matches(single, search(single, seenUntil, minute(at), arrivals));
      seenUntil = found.seenUntil ?? seenUntil;
      return found.matches[0]?.value ?? 0;
    });
    assert.deepEqual(counts, [1, 1, 0, 1, 0, 0]);
  });

  it("compares as its comparator says", () => {
    const outcome = (
      thresholdComparator: Params["thresholdComparator"],
      threshold: number[],
      value: number,
    ) =>
      matches({ ...single, thresholdComparator, threshold }, { hits: { total: { value }, hits: [] } }).matches
        .length;
    assert.deepEqual([outcome(">", [3], 3), outcome(">", [3], 4)], [0, 1]);
    assert.deepEqual([outcome("<", [3], 3), outcome("<=", [3], 3)], [0, 1]);
    assert.deepEqual([outcome("between", [2, 4], 4), outcome("notBetween", [2, 4], 4)], [1, 0]);
  });

  it("joins the keys of several fields, keeps the largest groups and gives them no seen time", () => {
    const buckets = [2, 5, 3].map((doc_count) => ({ key: { a: "x", b: doc_count }, doc_count }));
    const found = matches(
      { ...grouped, termField: ["a", "b"], termSize: 2 },
      { hits: {}, aggregations: { groups: { buckets } } },
    );
    assert.deepEqual(found, {
      matches: [5, 3].map((value) => ({ id: `x,${value}`, value, hits: [] })),
      seenUntil: null,
    });
  });

  const hit = { _source: { "dotted.key": 1, user: { name: 'a "b" <{{c}}> \\' } } };
  function rendered(template: string, group = "query matched"): unknown {
    const subject = rule("onActiveAlert");
    const firing: Firing = {
      action: { ...action, group, uuid: "u", frequency: undefined },
      alert: { id: "admin", uuid: "u1", start: "", consecutive: 2, notified: null },
      match: { id: "admin", value: 4, hits: group === "recovered" ? [] : [hit, hit] },
    };
    const values = variables(subject, grouped, firing, minute(0), "https://dhis2.example/siem");
    return (renderAll({ list: [template] }, values) as { list: unknown[] }).list[0];
  }
  // prettier-ignore
  const templates: [string, string][] = [
    ["{{context.title}}", "rule 'Failed logins for one user' matched query for group admin"],
    ["{{context.message}}", "Document count is 4 in the last 5m for admin in logs-dhis2-* index. Alert when greater than or equal to 3."],
    ["{{context.conditions}}", 'Number of matching documents for group "admin" is greater than or equal to 3'],
    ["{{context.value}}/{{alert.consecutiveMatches}}/{{alert.flapping}}", "4/2/false"],
    ["{{alert.id}} {{alert.uuid}} {{alert.actionGroup}} {{alert.actionGroupName}}", "admin u1 query matched Query matched"],
    ["{{rule.id}} {{rule.type}} {{rule.spaceId}} {{rule.tags}}", `${ruleId} .es-query default dhis2`],
    ["{{date}} {{context.date}}", "2026-01-01T00:00:00.000Z 2026-01-01T00:00:00.000Z"],
    ["{{rule.url}}", `https://dhis2.example/siem/app/management/insightsAndAlerting/triggersActions/rule/${ruleId}`],
    ["{{kibanaBaseUrl}}{{context.nothing}}", "https://dhis2.example/siem"],
    ["{{context.hits.0._source.user.name}}", hit._source.user.name],
    ["{{context.hits.0._source.dotted.key}}", "1"],
    ["{{#context.hits}}x{{/context.hits}}", "xx"],
    ["{{broken", 'error rendering mustache template "{{broken": Unclosed tag at 8'],
  ];
  for (const [template, expected] of templates)
    it(`renders ${template}`, () => assert.equal(rendered(template), expected));

  it("renders lists and objects as JSON, and nothing but text as text", () => {
    const withTree = { _source: { ...hit._source, dotted: { key: 1 } } };
    assert.deepEqual(JSON.parse(rendered("{{context.hits.asJSON}}") as string), [withTree, withTree]);
    assert.deepEqual(JSON.parse(`[${rendered("{{context.hits}}") as string}]`), [withTree, withTree]);
    assert.deepEqual(JSON.parse(rendered("{{rule.params}}") as string), params);
    assert.equal(rendered("{{context.hits.asJSON}}", "recovered"), "[]");
    assert.match(rendered("{{context.title}}", "recovered") as string, /recovered$/);
    assert.deepEqual(renderAll({ severity: 3, on: true }, {}), { severity: 3, on: true });
  });
});
