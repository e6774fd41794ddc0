import assert from "node:assert/strict";
import { beyond, figures, LIMITS, type Measure, table } from "../../lab/bench/hostile/limits";

const within = Object.fromEntries(Object.entries(LIMITS).map(([what, limit]) => [what, limit])) as Record<
  Measure,
  number
>;

describe("the hostile benchmark's table", () => {
  it("accepts figures that are at their limits", () => {
    assert.deepEqual(beyond(figures(within)), []);
  });

  it("names each figure that is beyond its limit, and each that was not measured", () => {
    const all = figures({
      ...within,
      "searches that Elasticsearch refused": 1,
      "open files of a flooded machine's Filebeat": NaN,
    });
    assert.deepEqual(
      beyond(all).map(({ what }) => what),
      ["searches that Elasticsearch refused", "open files of a flooded machine's Filebeat"],
    );
    assert.match(table(all), /\| searches that Elasticsearch refused +\| 1 +\| 0 +\| NO +\|/);
  });
});
