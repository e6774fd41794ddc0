import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDetections } from "../../detections";
import { main } from "../../commands/detections";
import { casesOf, type IndexedCase, runCases } from "../../commands/detections/cases";
import { mutants, survivors } from "../../commands/detections/mutants";
import { type PipelineIndex, withPipeline } from "../../commands/detections/real";

describe("the rules on a real Elasticsearch, through the real pipeline", function () {
  this.timeout(300_000);
  const { rules, detections } = loadDetections();

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
    const all = mutants(rules);
    assert(all.length > 2 * detections.length, `only ${all.length} mutants`);
    const unnoticed = await onCases((cases, index) => survivors(all, cases, index.search));
    assert.deepEqual(
      unnoticed.map(({ detection, without }) => `${detection.name} without ${without}`),
      [],
    );
  });

  it("can be mutated one by one, by the command", async () => {
    const { stdout, stderr, code } = await main(["mutate", "system_sudo_to_root"]);
    assert.deepEqual([stdout, stderr, code], ["3 of 3 mutants noticed\n", "", 0]);
  });

  it("go on with the good ones where one is broken, which is told at the end", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rules-"));
    try {
      writeFileSync(join(folder, "broken.yml"), "title: 1\n");
      const { stdout, stderr, code } = await main(["test", "system_sudo_to_root", "--rules", folder]);
      assert.match(stdout, /^ok {3}system_sudo_to_root: a developer\n/);
      assert.match(stdout, /\n5 passed, 0 failed\n$/);
      assert(stderr.startsWith(`${join(folder, "broken.yml")}:1: title must be a string\n`), stderr);
      assert.equal(code, 1);

      const lines = join(folder, "lines.ndjson");
      const message = "     eve : TTY=pts/0 ; PWD=/home/eve ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow";
      const line = {
        "@timestamp": "2024-03-01T10:11:12Z",
        container: "dhis",
        type: "dhis2",
        journal: "sudo",
        message,
      };
      writeFileSync(lines, JSON.stringify(line));
      const tried = await main(["try", lines, "--rules", folder]);
      assert.match(tried.stdout, /: eve, 1 since .*\n1 alert from 1 lines\n$/);
      assert.deepEqual([tried.stderr, tried.code], [stderr, 1]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
