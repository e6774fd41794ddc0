import assert from "node:assert/strict";
import { floodLab } from "../../lab/bench/hostile";
import { SHORT } from "../../lab/bench/hostile/floods";
import { beyond, table } from "../../lab/bench/hostile/limits";
import { labOutputs } from "../../lab/outputs";

describe("hostile floods (the short form of npm run bench:hostile)", () => {
  it("blind nothing: each figure is within its limit", async () => {
    const all = await floodLab(await labOutputs(), SHORT, (line) => console.log(`      ${line}`));
    console.log(table(all));
    assert.deepEqual(beyond(all), []);
  });
});
