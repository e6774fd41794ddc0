import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDetections } from "../../detections";
import { sourceHash } from "../../detections/conversion";
import { readRuleFile } from "../../detections/file";
import { forSite } from "../../detections/settings";

const FOLDER = join(__dirname, "../../detections/rules");
const EVENT = "system_user_added";
const COUNT = "dhis2_failed_logins_one_user";

describe("the loader of detections", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "detections-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A rule of ours, changed, alone in a folder. */
  const changed = (name: string, from: string | RegExp, to: string, as = name): string => {
    const text = readFileSync(join(FOLDER, `${name}.yml`), "utf8");
    const result = text.replace(from, to);
    assert.notEqual(result, text);
    writeFileSync(join(folder, `${as}.yml`), result);
    return join(folder, `${as}.yml`);
  };
  const line = (path: string, text: string) =>
    readFileSync(path, "utf8")
      .split("\n")
      .findIndex((row) => row.includes(text)) + 1;

  it("reads all of ours", () => {
    const names = loadDetections().map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    assert(names.includes(COUNT));
  });

  it("says file, line and key of each fault", () => {
    const cases: [string, string | RegExp, string, RegExp][] = [
      [EVENT, "level: medium", "level: severe", /level must /],
      [EVENT, "level: medium", "level: medium\nseverity: high", /severity is not a known key/],
      [EVENT, /^id: .*$/m, "id: 12", /: id must /],
      [EVENT, /^tests:[^]*/m, "", /: tests is missing; /],
      [EVENT, /^tests:[^]*/m, "tests: { fire: [], pass: [] }\n", /tests.fire needs at least two cases/],
      [EVENT, /^note: >-\n[^]*?(?=^tests)/m, "", /: note is missing; /],
      [EVENT, /^detection:[^]*?(?=^fields)/m, "", /: detection is missing; /],
      [COUNT, "timespan: 5m", "timespan: five", /correlation.timespan is no duration/],
      [COUNT, "timespan: 5m", "timespan: 59s", /correlation.timespan is shorter than a minute/],
      [COUNT, "{ gte: 3 }", "{ gte: 3, lte: 5 }", /correlation.condition takes exactly one/],
      [COUNT, "rules: [dhis2_failed_login]", "rules: [other]", /no document is named "other"/],
      [
        COUNT,
        /^/,
        "title: Again\nname: dhis2_failed_login\nlogsource: { product: x }\ndetection: { s: { a: b }, condition: s }\n---\n",
        /two documents are named "dhis2_failed_login"/,
      ],
      [COUNT, "title: A failed", "title: [A failed", /./],
    ];
    for (const [name, from, to, message] of cases) {
      const path = changed(name, from, to);
      assert.throws(
        () => readRuleFile(path),
        (error: Error) => {
          assert.match(error.message, message);
          assert(error.message.startsWith(path), error.message);
          return true;
        },
        String(from),
      );
    }
  });

  it("counts lines from the file's first, in a later document too", () => {
    const path = changed(COUNT, "level: medium", "level: severe");
    assert.throws(() => readRuleFile(path), new RegExp(`:${line(path, "level: severe")}: level must `));
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

  it("refuses a rule that was changed after its conversion, or never converted", () => {
    cpSync(join(FOLDER, "converted.json"), join(folder, "converted.json"));
    changed(EVENT, "event.action: ", "event.outcome: ");
    assert.throws(() => loadDetections(folder), new RegExp(`${EVENT}.yml: was changed after its conversion`));
    rmSync(join(folder, "converted.json"));
    assert.throws(() => loadDetections(folder), new RegExp(`${EVENT}.yml: was never converted`));
  });

  it("needs no new conversion when only the words have changed", () => {
    const before = sourceHash(readRuleFile(join(FOLDER, `${EVENT}.yml`)));
    assert.equal(sourceHash(readRuleFile(changed(EVENT, "level: medium", "level: low"))), before);
  });

  it("reads an operator's folder beside ours, and refuses an id that is taken", () => {
    const conversion = JSON.parse(readFileSync(join(FOLDER, "converted.json"), "utf8")) as Record<
      string,
      object
    >;
    const own = (name: string) => {
      const file = readRuleFile(join(folder, `${name}.yml`));
      const rules = (conversion[EVENT] as { rules: Record<string, object> }).rules;
      const entry = { source: sourceHash(file), rules: { [name]: rules[EVENT] } };
      writeFileSync(join(folder, "converted.json"), JSON.stringify({ [name]: entry }));
    };
    const id = "7d2c9f60-61cb-4f7e-9a1b-0f4f5b3a7c11";
    changed(EVENT, /^id: .*$/m, `id: ${id}`, "own_rule");
    own("own_rule");
    assert(loadDetections(folder).some((detection) => detection.id === id && detection.name === "own_rule"));
    changed(EVENT, "level: medium", "level: low", "own_rule");
    own("own_rule");
    assert.throws(
      () => loadDetections(folder),
      /own_rule.yml: id: .* is also that of detections\/system_user_added.yml/,
    );
  });
});

describe("a site's settings for detections", () => {
  const detections = loadDetections();
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
      /no detection has this name or id/,
    );
    assert.throws(
      () => forSite(detections, [], { [count.id]: { threshold: 7 }, [count.name]: { threshold: 8 } }),
      /is there twice, by its name and by its id/,
    );
    assert.throws(() => forSite(detections, [], { [event.id]: { threshold: 2 } }), /has no threshold/);
  });
});
