import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadDetections, readRuleFiles } from "../../detections";
import { CONVERTED } from "../../detections/conversion";
import { loadFields } from "../../pipelines";
import { renderRule } from "../../render/rule";
import { convertible } from "../../detections/file";
import { saidInDsl } from "../../detections/detection";
import { convertFiles, conversionText } from "../../commands/detections/convert";
import { rulesPage } from "../../commands/detections/describe";
import { matchesSnapshot } from "../support/snapshot";

const FOLDER = join(__dirname, "../../detections/rules");

/** MITRE ATT&CK for Enterprise 17: the tactics and techniques that our rules name. */
const TACTICS = new Set(
  (
    "reconnaissance initial-access persistence privilege-escalation defense-evasion credential-access discovery " +
    "collection exfiltration impact"
  ).split(" "),
);
const TECHNIQUES: Record<string, string> = {
  t1078: "Valid Accounts",
  "t1078.003": "Local Accounts",
  t1087: "Account Discovery",
  t1098: "Account Manipulation",
  "t1098.004": "SSH Authorized Keys",
  t1110: "Brute Force",
  "t1110.001": "Password Guessing",
  "t1110.003": "Password Spraying",
  "t1134.001": "Token Impersonation/Theft",
  t1136: "Create Account",
  "t1136.001": "Local Account",
  t1190: "Exploit Public-Facing Application",
  t1213: "Data from Information Repositories",
  "t1213.006": "Databases",
  t1485: "Data Destruction",
  t1499: "Endpoint Denial of Service",
  t1505: "Server Software Component",
  "t1548.003": "Sudo and Sudo Caching",
  "t1550.001": "Application Access Token",
  "t1556.006": "Multi-Factor Authentication",
  "t1562.001": "Disable or Modify Tools",
  "t1562.006": "Indicator Blocking",
  t1567: "Exfiltration Over Web Service",
  "t1595.002": "Vulnerability Scanning",
};

/** A note's words for looking, and for doing something about it. */
const LOOK = /\b(look|ask|compare|find out)\b/i;
const ACT =
  /\b(block|bring|change|close|delete|disable|give|keep|lower|remove|report|restart|set back|start|switch|take|update)\b/i;

describe("the rules", () => {
  const detections = loadDetections();

  it("name tactics and techniques that ATT&CK has", () => {
    // The test alert is about nothing that somebody did.
    for (const { name, tags } of detections.filter(({ severity }) => severity !== "informational")) {
      const attack = tags.map((tag) => /^attack\.(.+)$/.exec(tag)?.[1] ?? "");
      for (const tag of attack) assert(TACTICS.has(tag) || tag in TECHNIQUES, `${name}: ${tag}`);
      assert(
        attack.some((tag) => TACTICS.has(tag)) && attack.some((tag) => tag in TECHNIQUES),
        `${name} needs a tactic and a technique`,
      );
    }
  });

  it("say enough to the analyst", () => {
    for (const { name, note, description, severity } of detections) {
      assert(note.length >= 80, `${name}: the note is too short to help`);
      assert(description.length >= 40, `${name}: the description is too short`);
      // A test alert asks nothing of anybody.
      if (severity === "informational") continue;
      assert.match(note, LOOK, `${name}: the note does not say what to look at, or whom to ask`);
      assert.match(note, ACT, `${name}: the note does not say what to do`);
    }
  });

  it("read, group by and show only fields that the pipelines make", () => {
    const types = new Map(loadFields("logs").map(({ name, type }) => [name, type]));
    for (const file of readRuleFiles()) {
      const conditions = Object.values(convertible(file)).map(
        (rule) => (rule as { detection: object }).detection,
      );
      const read = conditions
        .flatMap((detection) => Object.values(detection) as unknown[])
        .flatMap((selection) =>
          typeof selection === "object" && selection !== null ? Object.keys(selection) : [],
        )
        .map((key) => key.split("|")[0] ?? "");
      const grouped = "entity" in file.rule ? file.rule.entity : (file.rule.correlation["group-by"] ?? []);
      const shown = "fields" in file.rule ? (file.rule.fields ?? []) : [];
      for (const field of [...read, ...grouped, ...shown]) assert(types.has(field), `${file.name}: ${field}`);
      for (const field of [...read, ...grouped]) {
        assert(
          ["keyword", "ip", "long"].includes(types.get(field) ?? ""),
          `${file.name}: ${field} is no exact value`,
        );
      }
    }
  });

  it("have test cases with names of their own", () => {
    for (const { name, tests } of detections) {
      const names = [...tests.fire, ...tests.pass].map((one) => one.name);
      assert.deepEqual([...new Set(names)], names, name);
    }
  });

  it("that need ES|QL ask what they did when this was reviewed", () => {
    const queries = detections
      .filter((detection) => !saidInDsl(detection))
      .map((detection) => {
        const { params } = renderRule(detection, { dataStream: "logs-dhis2-default" });
        return `${detection.name}\n${(JSON.parse(params) as { esqlQuery: { esql: string } }).esqlQuery.esql}\n`;
      });
    matchesSnapshot(join(__dirname, "esql.snap"), queries.join("\n"));
  });

  it("are listed on their page (npm run -s detections -- docs)", async () => {
    assert.equal(readFileSync(join(__dirname, "../../docs/rules.md"), "utf8"), await rulesPage(detections));
  });

  describe("and pySigma", function () {
    this.timeout(120_000);

    it("have a conversion that is current (npm run -s detections -- convert)", () => {
      const committed = readFileSync(join(FOLDER, CONVERTED), "utf8");
      assert.equal(conversionText(convertFiles(readRuleFiles())), committed);
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
        "detections",
      ];
      const { status, stdout } = spawnSync("bash", args, { cwd: join(__dirname, "../.."), encoding: "utf8" });
      assert.equal(status, 0, stdout);
    });

    it("are refused with file, rule and reason where it cannot convert them", () => {
      const [file] = readRuleFiles().filter(({ name }) => name === "system_user_added");
      assert(file && "detection" in file.rule);
      const comparing = { condition: "selection", selection: { "user.name|fieldref": "user.target.name" } };
      const changed = { ...file, rule: { ...file.rule, detection: comparing } };
      assert.throws(
        () => convertFiles([changed]),
        /detections\/system_user_added.yml: system_user_added: .*field ref/,
      );
    });
  });
});
