import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { ROOT } from "../../core/root";
import { printProblem } from "../../core/problem";
import { loadDetections, readRuleFiles, RULES } from "../../detections";
import { ATTACK_TAGS } from "../../detections/known";
import { renderRule } from "../../render/rule";
import { isInQueryDsl } from "../../detections/detection";
import { convertFiles } from "../../commands/detections/convert";
import { rulesPage } from "../../commands/detections/describe";
import { ruleSchemaText } from "../../commands/detections/rule-schema";
import { matchesSnapshot } from "../support/snapshot";

describe("the rules", () => {
  const { detections, rules, problems } = loadDetections();

  // tests/detections/load.test.ts proves that each of these faults would be found.
  it("are what the loader wants them to be: fields, tags, machine types, notes, names, test cases", () => {
    assert.deepEqual(problems.map(printProblem), []);
    assert.equal(rules.length, readdirSync(RULES).filter((file) => file.endsWith(".yml")).length);
  });

  it("name tactics and techniques that ATT&CK has, and nothing else", () => {
    for (const { name, tags } of detections) {
      for (const tag of tags) assert(ATTACK_TAGS.includes(tag), `${name}: ${tag}`);
    }
  });

  it("that need ES|QL ask what they did when this was reviewed", () => {
    const queries = detections
      .filter((detection) => !isInQueryDsl(detection))
      .map((detection) => {
        const { params } = renderRule(detection, { dataStream: "logs-dhis2-default" });
        return `${detection.name}\n${(JSON.parse(params) as { esqlQuery: { esql: string } }).esqlQuery.esql}\n`;
      });
    matchesSnapshot(join(__dirname, "esql.snap"), queries.join("\n"));
  });

  it("are listed on their page (npm run -s detections -- docs)", async () => {
    assert.equal(readFileSync(join(__dirname, "../../docs/rules.md"), "utf8"), await rulesPage(detections));
  });

  it("have a schema for editors that is current (npm run -s detections -- docs), and fit it", async () => {
    const committed = readFileSync(join(ROOT, "detections/rule.schema.json"), "utf8");
    assert.equal(committed, await ruleSchemaText());
    const schema = z.fromJSONSchema(JSON.parse(committed) as Parameters<typeof z.fromJSONSchema>[0]);
    const documents = (text: string) => parseAllDocuments(text).map((one) => one.toJS() as unknown);
    for (const { file } of rules) {
      const text = readFileSync(join(RULES, `${file.name}.yml`), "utf8");
      for (const document of documents(text))
        assert.equal(schema.safeParse(document).success, true, file.name);
    }
    const good = readFileSync(join(RULES, "system_user_added.yml"), "utf8");
    for (const [from, to] of [
      ["event.action:", "event.acton:"],
      ["type: dhis2", "type: dhis3"],
      ["attack.persistence", "attack.persistance"],
      ["note: >-", "notes: >-"],
    ] as const) {
      assert(good.includes(from), from);
      assert.equal(schema.safeParse(documents(good.replace(from, to))[0]).success, false, to);
    }
  });

  it("name ATT&CK's tactics and techniques as its pinned data has them (detections/attack/make.sh)", function () {
    this.timeout(120_000);
    const { status, stdout, stderr } = spawnSync("bash", ["detections/attack/make.sh"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, readFileSync(join(ROOT, "detections/attack/attack.json"), "utf8"));
  });

  describe("and pySigma", function () {
    this.timeout(120_000);

    it("have a query each that is current (npm run -s detections -- convert)", () => {
      const { queries, problems: faults } = convertFiles(readRuleFiles().files);
      assert.deepEqual(faults, []);
      for (const [path, text] of Object.entries(queries))
        assert.equal(readFileSync(path, "utf8"), text, path);
      assert.equal(Object.keys(queries).length, rules.length);
    });

    it("are Sigma, as sigma check sees it", () => {
      // Two of its checks download lists of their own; base rules need no id.
      const excluded = ["attacktag", "d3_fendtag", "identifier_existence"].flatMap((name) => [
        "--exclude",
        name,
      ]);
      const args = [
        "detections/pysigma/run.sh",
        "-m",
        "sigma.cli.main",
        "check",
        "--fail-on-issues",
        ...excluded,
        "detections/rules",
      ];
      const { status, stdout } = spawnSync("bash", args, { cwd: ROOT, encoding: "utf8" });
      assert.equal(status, 0, stdout);
    });

    it("are refused with file, rule and reason where it cannot convert them", () => {
      const file = rules.find(({ detection }) => detection.name === "system_user_added")?.file;
      assert(file && "detection" in file.rule);
      const comparing = { condition: "selection", selection: { "user.name|fieldref": "user.target.name" } };
      const changed = { ...file, rule: { ...file.rule, detection: comparing } };
      const { queries, problems: faults } = convertFiles([changed]);
      assert.deepEqual(queries, {});
      const line =
        readFileSync(join(RULES, "system_user_added.yml"), "utf8").split("\n").indexOf("detection:") + 1;
      assert.match(
        faults.map(printProblem).join("\n"),
        new RegExp(
          `^detections/rules/system_user_added.yml:${line}: detection of system_user_added cannot be converted: .*field ref`,
        ),
      );
    });
  });
});
