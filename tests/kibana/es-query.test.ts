import assert from "node:assert/strict";
import type { Json } from "../../core/json";
import { type Action, advance, type Alert, matches, searchBody } from "../../kibana/es-query";
import type { Params } from "../../kibana/rule-params";
import { grouped } from "../support/es-query";

const minute = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, n));
const single: Params = {
  ...grouped,
  termField: undefined,
  termSize: undefined,
  threshold: [1],
  excludeHitsFromPreviousRun: true,
};

describe("an .es-query rule, as Kibana evaluates it", () => {
  const acting = (
    notify_when: Action["frequency"]["notify_when"],
    throttle: string | null = null,
  ): Action => ({
    uuid: "action",
    frequency: { notify_when, throttle },
  });

  /** Runs a rule at these minutes with these alert ids active; gives `minute id` of each time that its action is done. */
  function live(action: Action, runs: [number, string[]][]): string[] {
    let alerts: Record<string, Alert> = {};
    let made = 0;
    const done: string[] = [];
    for (const [at, ids] of runs) {
      const found = ids.map((id) => ({ id, value: 3, hits: [] }));
      const result = advance([action], alerts, found, minute(at), () => `uuid-${++made}`);
      ({ alerts } = result);
      done.push(...result.firings.map(({ match }) => `${at} ${match.id}`));
    }
    return done;
  }

  // prettier-ignore
  const lives: [string, Action, [number, string[]][], string[]][] = [
    ["onActiveAlert acts on every run", acting("onActiveAlert"),
      [[0, ["a"]], [1, ["a"]], [2, []], [3, []]],
      ["0 a", "1 a"]],
    ["onActionGroupChange acts once until it recovers: a second event while it is active says nothing", acting("onActionGroupChange"),
      [[0, ["a"]], [1, ["a"]], [2, ["a", "b"]], [3, []], [4, ["a"]]],
      ["0 a", "2 b", "4 a"]],
    ["onThrottleInterval acts again once the interval is over", acting("onThrottleInterval", "5m"),
      [[0, ["a"]], [1, ["a"]], [4, ["a"]], [5, ["a"]], [6, ["a"]]],
      ["0 a", "5 a"]],
    ["a throttle is forgotten when its alert recovers", acting("onThrottleInterval", "5m"),
      [[0, ["a"]], [1, []], [2, ["a"]]],
      ["0 a", "2 a"]],
    ["a name that objects have by nature is a name", acting("onActionGroupChange"),
      [[0, ["constructor"]], [1, ["constructor"]], [2, []]],
      ["0 constructor"]],
  ];
  for (const [what, action, runs, expected] of lives)
    it(what, () => assert.deepEqual(live(action, runs), expected));

  it("gives an alert one uuid until it recovers", () => {
    const found = [{ id: "a", value: 3, hits: [] }];
    const first = advance([], {}, found, minute(0), () => "one");
    const second = advance([], first.alerts, found, minute(1), () => "two");
    assert.deepEqual(second.alerts, { a: { uuid: "one", acted: {} } });
    assert.deepEqual(advance([], second.alerts, [], minute(2), () => "three").alerts, {});
  });

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

  it("compares as its comparator says, with and without groups", () => {
    const outcomes = { ">": [0, 0, 1], ">=": [0, 1, 1], "<": [1, 0, 0], "<=": [1, 1, 0] };
    for (const [comparator, expected] of Object.entries(outcomes)) {
      const thresholdComparator = comparator as Params["thresholdComparator"];
      const outcome = (value: number) =>
        matches({ ...single, thresholdComparator, threshold: [3] }, { hits: { total: { value }, hits: [] } })
          .matches.length;
      assert.deepEqual([2, 3, 4].map(outcome), expected, comparator);
      const { aggs } = searchBody({ ...grouped, thresholdComparator }, null, minute(0)) as {
        aggs: { groups: { aggs: { condition: { bucket_selector: { script: string } } } } };
      };
      assert.equal(aggs.groups.aggs.condition.bucket_selector.script, `params.value ${comparator} 3`);
    }
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

  it("finds nothing in an index that is not there yet", () => {
    const answer = { hits: { total: { value: 0 }, hits: [] } };
    for (const params of [single, grouped])
      assert.deepEqual(matches(params, answer), { matches: [], seenUntil: null });
  });
});
