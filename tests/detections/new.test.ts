import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { main } from "../../commands/detections";
import { printProblem } from "../../core/problem";
import { RULES } from "../../detections";
import { readRuleFile } from "../../detections/file";

describe("a new rule", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "new-rule-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const [kind, more] of [
    ["event", []],
    ["count", ["--count"]],
  ] as const) {
    it(`about ${kind}s is a file with every key, unfinished until each placeholder is replaced`, async () => {
      const { stdout, code } = await main(["new", "my_rule", "--rules", folder, ...more]);
      const path = join(folder, "my_rule.yml");
      assert.deepEqual([stdout, code], [`${path}\n`, 0]);
      const text = readFileSync(path, "utf8");
      const unfinished = readRuleFile(path);
      assert(!unfinished.ok);
      const lines = unfinished.problems.map((problem) => problem.line);
      text.split("\n").forEach((row, index) => {
        const isPlaceholder = row.includes("TODO") && !row.startsWith("#");
        // The line of a text with several lines is the line of its key.
        const said = lines.includes(index + 1) || lines.includes(index);
        assert.equal(isPlaceholder && !said, false, `${index + 1}: ${row}`);
      });
      const note =
        "note: Look at what the user did, and ask the user at once. If nobody knows of it, disable the account.";
      writeFileSync(
        path,
        text
          .replace("attack.TODO, attack.t0000", "attack.impact, attack.t1485")
          .replace(/^note: >-\n.*$/m, note)
          .replace(/TODO such as/g, "for example")
          .replace(/TODO (what happened, and)/, "it is said here at some length $1")
          .replaceAll("service: TODO", "service: audit")
          .replaceAll("TODO ", "")
          .replaceAll("TODO", "word"),
      );
      const finished = readRuleFile(path);
      assert(finished.ok, finished.ok ? "" : finished.problems.map(printProblem).join("\n"));
      const schema = /\$schema=(.*)/.exec(text)?.[1] ?? "";
      assert.equal(resolve(folder, schema), join(RULES, "../rule.schema.json"));
    });
  }

  it("has an id of its own, and a name that no rule of the folder has", async () => {
    const run = (name: string) => main(["new", name, "--rules", folder]);
    await run("one");
    await run("two");
    const id = (name: string) => /^id: (.*)$/m.exec(readFileSync(join(folder, `${name}.yml`), "utf8"))?.[1];
    assert.notEqual(id("one"), id("two"));
    assert.match(
      (await run("one")).stderr,
      /one.yml is there already; a new rule must have a name of its own/,
    );
    assert.match((await run("One")).stderr, /must be small letters, digits and underscores, such as/);
  });
});
