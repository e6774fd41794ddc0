import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../../commands/detections";
import { printProblem } from "../../core/problem";
import { loadDetections, RULES } from "../../detections";
import { queryPath, queryText, sourceHash } from "../../detections/conversion";
import type { Condition } from "../../detections/detection";
import { readRuleFile, type RuleFile } from "../../detections/file";
import { forSite } from "../../detections/settings";

const EVENT = "system_user_added";
const COUNT = "dhis2_failed_logins_one_user";
const DISTINCT = "dhis2_password_spraying";
const TOGETHER = "dhis2_success_after_failures";
const NEW_ID = "7d2c9f60-61cb-4f7e-9a1b-0f4f5b3a7c11";

describe("the loader of detections", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "detections-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Writes a changed copy of one of our rules to a folder without other rules. */
  const changed = (name: string, from: string | RegExp, to: string, as = name): string => {
    const text = readFileSync(join(RULES, `${name}.yml`), "utf8");
    const result = text.replace(from, to);
    assert.notEqual(result, text);
    writeFileSync(join(folder, `${as}.yml`), result);
    return join(folder, `${as}.yml`);
  };
  const line = (path: string, text: string) =>
    readFileSync(path, "utf8")
      .split("\n")
      .findIndex((row) => row.includes(text)) + 1;

  /** Returns all problems of a file. */
  const said = (path: string): string[] => {
    const result = readRuleFile(path);
    return result.ok ? [] : result.problems.map(printProblem);
  };
  const read = (path: string): RuleFile => {
    const result = readRuleFile(path);
    return result.ok ? result.value : assert.fail(result.problems.map(printProblem).join("\n"));
  };
  /** Copies the conversion of another rule with the same conditions to a rule. */
  const converted = (name: string, like: string) => {
    const file = read(join(folder, `${name}.yml`));
    const { rules } = JSON.parse(readFileSync(join(RULES, `${like}.query.json`), "utf8")) as {
      rules: Record<string, Condition>;
    };
    const renamed = Object.entries(rules).map(([key, query]) => [key === like ? name : key, query] as const);
    writeFileSync(queryPath(file), queryText(file, Object.fromEntries(renamed)));
  };
  /** Returns the problems of the folder, without its path. */
  const folderFaults = () =>
    loadDetections(folder).problems.map((problem) => printProblem(problem).replaceAll(`${folder}/`, ""));

  it("reads all of ours", () => {
    const names = loadDetections().detections.map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    assert(names.includes(COUNT));
  });

  it("says file, line and key of each fault", () => {
    const cases: [string, string | RegExp, string, RegExp][] = [
      [EVENT, "level: medium", "level: severe", /level must be one of/],
      [EVENT, "level: medium", "level: medium\nseverity: high", /severity is not a known key/],
      [EVENT, /^id: .*$/m, "id: 12", /: id must /],
      [EVENT, /^id: .*$/m, "id: x12", /id must be a UUID, such as /],
      [EVENT, /^tests:[^]*/m, "", /: tests is missing; /],
      [EVENT, /^tests:[^]*/m, "tests: { fire: [], pass: [] }\n", /tests.fire must hold at least two cases/],
      [EVENT, /^note: >-\n[^]*?(?=^tests)/m, "", /: note is missing; /],
      [EVENT, /^note: >-\n[^]*?(?=^tests)/m, "note: Look, and act.\n", /note must be 80 characters at least/],
      [EVENT, /\b(Ask|look)\b/g, "See", /note must say what to look at/],
      [EVENT, /\b(take|Remove)\b/g, "see", /note must say what to do/],
      [EVENT, /^description: >-\n.*$/m, "description: Bad.", /description must be 40 characters at least/],
      [EVENT, /^detection:[^]*?(?=^fields)/m, "", /: detection is missing; /],
      [
        EVENT,
        "event.action:",
        "event.acton:",
        /detection.selection.event.acton must be a field that a pipeline makes .*, not "event.acton"; did you mean "event.action"\?/,
      ],
      [
        EVENT,
        "event.action: user-added",
        "[user-added]",
        /detection.selection\[0\] must be conditions on fields/,
      ],
      [
        EVENT,
        "    event.action: u",
        "    - event.action: u\n    - message: u",
        /detection.selection\[1\].message must be a field of the type keyword/,
      ],
      [
        EVENT,
        "fields: [user.target.name",
        "fields: [user.name, user.nam",
        /fields\[1\] must be a field that a pipeline makes .*, not "user.nam"/,
      ],
      [
        EVENT,
        "entity: [user.target.name]",
        "entity: [user.targt.name]",
        /entity\[0\] must be a field that a pipeline makes/,
      ],
      [
        EVENT,
        "entity: [user.target.name]",
        "entity: [message]",
        /entity\[0\] must be a field of the type keyword/,
      ],
      [
        EVENT,
        "type: dhis2",
        "type: dhis",
        /tests.from.type must be one of .*, not "dhis"; did you mean "dhis2"\?/,
      ],
      [EVENT, ", type: dhis2", "", /tests.fire\[0\].events\[0\] must have a type, here or in tests.from/],
      [EVENT, ", journal: useradd", "", /tests.fire\[0\].events\[0\] must have either journal/],
      [
        EVENT,
        "name: a second root",
        "name: a new group",
        /tests.pass\[0\].name must be a name that no other case of the rule has/,
      ],
      [EVENT, "t1136.001", "t1136.999", /tags\[1\] must be a tactic or a technique of ATT&CK 18.1, such as/],
      [
        EVENT,
        "attack.persistence",
        "attack.persistance",
        /tags\[0\] must be a tactic or a technique of ATT&CK .* did you mean "attack.persistence"\?/,
      ],
      [
        EVENT,
        "attack.persistence",
        "attack.impact",
        /tags\[0\] must be a tactic of one of the rule's techniques; ATT&CK has none of them in impact/,
      ],
      [
        EVENT,
        "attack.persistence",
        "attack.impact",
        /tags\[1\] must have its tactic among the tags: attack.persistence/,
      ],
      [EVENT, ", attack.t1136.001", "", /tags must hold a tactic and a technique/],
      [EVENT, "attack.persistence, ", "", /tags must hold a tactic and a technique/],
      [EVENT, "attack.persistence, ", "Persistence, ", /tags\[0\] must be a tag in small letters/],
      [COUNT, "timespan: 5m", "timespan: five", /correlation.timespan must be a duration/],
      [COUNT, "timespan: 5m", "timespan: 59s", /correlation.timespan must be a minute at least/],
      [COUNT, "{ gte: 3 }", "{ gte: 3, lte: 5 }", /correlation.condition must have exactly one/],
      [COUNT, "type: event_count", "type: events", /correlation.type must be one of event_count, /],
      [
        COUNT,
        "group-by: [user.name]",
        "group-by: [username]",
        /correlation.group-by\[0\] must be a field that a pipeline makes .*, not "username"; did you mean "user.name"\?/,
      ],
      [
        COUNT,
        "level: medium",
        "level: medium\ncontainers: [dhis]",
        /containers\[0\] must be one of .*, not "dhis"/,
      ],
      [
        COUNT,
        "event.outcome:",
        "event.out:",
        /detection.selection.event.out must be a field that a pipeline makes/,
      ],
      [COUNT, "rules: [dhis2_failed_login]", "rules: [other]", /no document is named "other"/],
      [
        COUNT,
        "rules: [dhis2_failed_login]",
        "rules: [other]",
        /name must be in the rules of a correlation, but no correlation uses the document named "dhis2_failed_login"/,
      ],
      [
        COUNT,
        /^/,
        "title: Again\nname: dhis2_failed_login\nlogsource: { product: x }\ndetection: { s: { a: b }, condition: s }\n---\n",
        /two documents are named "dhis2_failed_login"/,
      ],
      [COUNT, "title: A failed", "title: [A failed", /./],
      [COUNT, "level: medium", "level: medium\nlevel: low", /the file must be valid YAML: .*unique/],
      [COUNT, /[^]*/, "", /:1: the file must hold a rule, but it is empty/],
      [
        DISTINCT,
        "field: user.name",
        "field: user.naem",
        /correlation.condition.field must be a field that a pipeline makes/,
      ],
      [
        TOGETHER,
        "type: event_count\n  rules: [dhis2_failure_before_success]",
        "type: event_count\n  rules: [dhis2_failures_before_success]",
        /correlation.rules\[0\] must name a rule about events/,
      ],
    ];
    for (const [name, from, to, message] of cases) {
      const path = changed(name, from, to);
      const faults = said(path);
      assert(
        faults.some((fault) => message.test(fault)),
        `${String(from)}: ${faults.join("\n")}`,
      );
      for (const fault of faults) assert.match(fault.slice(path.length), /^:\d+: /, fault);
      assert(faults.every((fault) => fault.startsWith(path)));
    }
  });

  it("says every fault of a file at once, in the order of its lines", () => {
    const path = changed(EVENT, "level: medium", "level: severe");
    const text = readFileSync(path, "utf8")
      .replace("event.action:", "event.acton:")
      .replace("attack.persistence", "attack.none")
      .replace("type: dhis2", "type: dhis3")
      .replace(/^note: >-\n[^]*?(?=^tests)/m, "")
      .replace("name: a second root", "name: a new group");
    writeFileSync(path, text);
    const faults = said(path).map((fault) => fault.slice(path.length + 1));
    const keys = faults.map((fault) => fault.split(" ")[1] ?? "");
    assert.deepEqual(
      [...keys].sort(),
      [
        "detection.selection.event.acton",
        "level",
        "note",
        "tags[0]",
        "tests.from.type",
        "tests.pass[0].name",
      ],
      faults.join("\n"),
    );
    const lines = faults.map((fault) => parseInt(fault, 10));
    assert.deepEqual(
      lines,
      [...lines].sort((a, b) => a - b),
    );
  });

  it("wants no tactic, and nothing to do, of a test alert", () => {
    assert.deepEqual(said(join(RULES, "siem_canary.yml")), []);
    const grave = changed("siem_canary", "level: informational", "level: low");
    assert.match(said(grave).join("\n"), /tags must hold a tactic and a technique/);
  });

  it("counts lines from the file's first, in a later document too", () => {
    const path = changed(COUNT, "level: medium", "level: severe");
    assert(
      said(path).some((fault) => fault.startsWith(`${path}:${line(path, "level: severe")}: level must `)),
    );
  });

  it("takes the folder that --rules names for a conversion, too", function () {
    this.timeout(60_000);
    writeFileSync(join(folder, "odd.yml"), "title: 1\n");
    const root = join(__dirname, "../..");
    const tool = ["-r", "./core/register.js", "commands/detections.ts", "convert", "--rules", folder];
    const { status, stderr } = spawnSync("node", tool, { cwd: root, encoding: "utf8" });
    assert.deepEqual(
      [status, stderr.includes(`${join(folder, "odd.yml")}:1: title must be a string`)],
      [1, true],
    );
  });

  it("converts the good rules, writes what changed only, and removes the query of a rule that is gone", async function () {
    this.timeout(120_000);
    changed(EVENT, /^id: .*$/m, `id: ${NEW_ID}`, "own_rule");
    writeFileSync(join(folder, "odd.yml"), "title: 1\n");
    writeFileSync(join(folder, "odd.query.json"), "{}");
    writeFileSync(join(folder, "gone.query.json"), "{}");
    const first = await main(["convert", folder]);
    assert.match(
      first.stdout,
      /^written: .*own_rule.query.json\nremoved, as its rule is gone: .*gone.query.json\n1 rules converted, 1 of them changed\n$/,
    );
    assert.match(first.stderr, /^[^\n]*odd.yml:1: title must be a string\n/);
    assert.equal(first.code, 1);
    // A rule that is broken for now keeps its query.
    assert.deepEqual(readdirSync(folder).sort(), [
      "odd.query.json",
      "odd.yml",
      "own_rule.query.json",
      "own_rule.yml",
    ]);
    const text = readFileSync(join(folder, "own_rule.query.json"), "utf8");
    converted("own_rule", EVENT);
    assert.equal(readFileSync(join(folder, "own_rule.query.json"), "utf8"), text);
    assert.equal((await main(["convert", folder])).stdout, "1 rules converted, 0 of them changed\n");
  });

  it("refuses a rule that was changed after its conversion, or never converted", () => {
    changed(EVENT, /^id: .*$/m, `id: ${NEW_ID}`, "own_rule");
    converted("own_rule", EVENT);
    assert.deepEqual(folderFaults(), []);
    const path = join(folder, "own_rule.yml");
    writeFileSync(path, readFileSync(path, "utf8").replace("event.action: ", "event.outcome: "));
    assert.match(folderFaults().join(), /^own_rule.yml was changed after its conversion: run npm/);
    writeFileSync(join(folder, "own_rule.query.json"), "<<<<<<< ours");
    assert.match(
      folderFaults().join(),
      /^own_rule.yml has a query that cannot be read, own_rule.query.json: run npm/,
    );
    rmSync(join(folder, "own_rule.query.json"));
    assert.match(folderFaults().join(), /^own_rule.yml was never converted: run npm/);
  });

  it("says of a query that its rule is gone, of a folder that it is not there, and of a file that it is not read", () => {
    writeFileSync(join(folder, "gone.query.json"), "{}");
    writeFileSync(join(folder, "other.yaml"), "title: 1");
    assert.deepEqual(folderFaults(), [
      "gone.query.json is the query of a rule that does not exist: run npm run -s detections -- convert, which removes it",
      "other.yaml must end in .yml, otherwise it is not read",
    ]);
    assert.match(
      loadDetections(join(folder, "none")).problems.map(printProblem).join(),
      /none must be a folder that holds rules, but it does not exist/,
    );
  });

  it("needs no new conversion when only the words have changed", () => {
    const before = sourceHash(read(join(RULES, `${EVENT}.yml`)));
    assert.equal(sourceHash(read(changed(EVENT, "level: medium", "level: low"))), before);
  });

  it("reads an operator's folder beside ours, and refuses an id or a name that is taken", () => {
    changed(EVENT, /^id: .*$/m, `id: ${NEW_ID}`, "own_rule");
    converted("own_rule", EVENT);
    assert(
      loadDetections(folder).detections.some(
        (detection) => detection.id === NEW_ID && detection.name === "own_rule",
      ),
    );
    changed(EVENT, "level: medium", "level: low", "own_rule");
    converted("own_rule", EVENT);
    assert.match(
      folderFaults().join("\n"),
      /^own_rule.yml:2: id must be new, but .* is also that of detections\/rules\/system_user_added.yml$/,
    );
    changed(EVENT, /^id: .*$/m, `id: ${NEW_ID}`);
    converted(EVENT, EVENT);
    const loaded = loadDetections(folder);
    assert.match(
      loaded.problems.map(printProblem).join("\n"),
      /system_user_added.yml must have a name of its own, but detections\/rules\/system_user_added.yml is named system_user_added too/,
    );
    // Ours stays.
    const ours = loaded.detections.find(({ name }) => name === EVENT);
    assert(ours && ours.id !== NEW_ID);
  });

  it("lists the good rules beside a broken one, which is told at the end", async () => {
    writeFileSync(join(folder, "odd.yml"), "title: 1\n");
    const { stdout, stderr, code } = await main(["list", "--rules", folder]);
    assert.equal(stdout.trimEnd().split("\n").length, loadDetections().detections.length);
    assert(stderr.startsWith(`${join(folder, "odd.yml")}:1: title must be a string\n`), stderr);
    assert.equal(code, 1);
  });
});

describe("a site's settings for detections", () => {
  const { detections } = loadDetections();
  const count = detections.find(({ name }) => name === COUNT);
  const event = detections.find(({ name }) => name === EVENT);
  assert(count && event);

  it("switch one off, or change its threshold, by id or by name", () => {
    const site = forSite(detections, [], { [count.id]: { threshold: 7 }, [event.name]: { enabled: false } });
    const logic = site.find(({ id }) => id === count.id)?.logic;
    assert(logic?.kind === "count");
    assert.equal(logic.threshold, 7);
    assert.equal(site.find(({ id }) => id === event.id)?.enabled, false);
  });

  it("have to fit", () => {
    assert.throws(
      () => forSite(detections, [], { nobody: { enabled: false } }),
      /detections.nobody must be the name or id of a detection/,
    );
    assert.throws(
      () => forSite(detections, [], { [count.id]: { threshold: 7 }, [count.name]: { threshold: 8 } }),
      /is there twice, by its name and by its id/,
    );
    assert.throws(
      () => forSite(detections, [], { [event.id]: { threshold: 2 } }),
      /threshold must be left out: .* has no threshold/,
    );
  });
});
