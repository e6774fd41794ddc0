import assert from "node:assert/strict";
import { loadDetections, readRuleFiles } from "../../detections";
import { conditionsOf, readConversion } from "../../detections/conversion";
import { casesOf, evaluateLines, fault, type IndexedCase, runCases } from "../../commands/detections/cases";
import { convertRules } from "../../commands/detections/convert";
import { mutants, mutatedRules } from "../../commands/detections/mutants";
import { type PipelineIndex, withPipeline } from "../../commands/detections/real";
import { join } from "node:path";

const FOLDER = join(__dirname, "../../detections/rules");

describe("the rules on a real Elasticsearch, through the real pipeline", function () {
  this.timeout(300_000);
  const detections = loadDetections();

  /** Work with every rule's cases indexed. */
  const onCases = <T>(
    work: (cases: readonly IndexedCase[], index: PipelineIndex) => Promise<T>,
  ): Promise<T> => withPipeline(async (index) => work(await index.add(casesOf(detections)), index));

  it("fire on each of their own cases that must, once, for the right entity, and on no other", async () => {
    const outcomes = await onCases((cases, index) => runCases(detections, cases, index.search));
    const faults = outcomes.filter((outcome) => outcome.fault !== undefined);
    assert.deepEqual(
      faults.map((outcome) => `${outcome.rule}: ${outcome.case}: ${outcome.fault}`),
      [],
    );
    assert.equal(outcomes.length, casesOf(detections).length);
  });

  it("need each of their conditions: without one, some case of their own goes wrong", async () => {
    const files = readRuleFiles();
    const conversion = readConversion(FOLDER);
    const keyed = files.flatMap((file) =>
      Object.entries(mutatedRules(file)).map(([key, rule]) => [`${file.name}/${key}`, rule] as const),
    );
    const converted = Object.entries(convertRules(Object.fromEntries(keyed)));
    const all = files.flatMap((file) => {
      const prefix = `${file.name}/`;
      const own = converted.filter(([key]) => key.startsWith(prefix));
      return mutants(
        file,
        conditionsOf(file, conversion),
        Object.fromEntries(own.map(([key, result]) => [key.slice(prefix.length), result])),
      );
    });
    assert(all.length > 2 * detections.length, `only ${all.length} mutants`);
    const survivors = await onCases(async (cases, index) => {
      const work = all.flatMap((mutant) =>
        cases.filter(({ rule }) => rule === mutant.detection.name).map((one) => ({ mutant, one })),
      );
      const alerts = await evaluateLines(
        work.map(({ mutant, one }) => ({ detection: mutant.detection, lines: one.lines, ids: one.ids })),
        index.search,
      );
      const noticed = new Set(
        work
          .filter(({ one }, at) => fault({ ...one, entity: undefined }, alerts[at] ?? []) !== undefined)
          .map(({ mutant }) => mutant),
      );
      return all.filter((mutant) => !noticed.has(mutant));
    });
    assert.deepEqual(
      survivors.map(({ detection, without }) => `${detection.name} without ${without}`),
      [],
    );
  });
});
