import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { main, newSource, PAGE, sourcesPage } from "../../commands/sources";
import { printProblem } from "../../core/problem";
import { ROOT } from "../../core/root";
import { MACHINE_TYPES, machineType, SOURCES, sourcesOf } from "../../machines";
import { sourceProblems } from "../../sources";
import { shellName, type Source } from "../../sources/source";

describe("the sources", () => {
  it("are as they should be", () => {
    assert.deepEqual(sourceProblems(SOURCES).map(printProblem), []);
  });

  it("are the folders of sources/, and each is on some machine", () => {
    const folders = readdirSync(join(ROOT, "sources"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== "template")
      .map(({ name }) => name);
    assert.deepEqual(
      SOURCES.map(({ name }) => name),
      folders.sort(),
    );
    for (const { name, folder } of SOURCES) assert.equal(basename(folder), name);
  });

  it("are listed on their page (npm run -s sources -- docs)", async () => {
    assert.equal(readFileSync(PAGE, "utf8"), await sourcesPage());
  });

  it("are listed by the command, for people and for programs", async () => {
    const { stdout, code } = await main(["list"]);
    assert.equal(code, 0);
    assert.match(stdout, /^openresty +openresty_proxy +nginx\.access, nginx\.copy, nginx\.error$/m);
    const listed = JSON.parse((await main(["list", "--json"])).stdout) as {
      name: string;
      machines: string[];
    }[];
    assert.deepEqual(
      listed.map(({ name }) => name),
      SOURCES.map(({ name }) => name),
    );
    assert.deepEqual(listed.find(({ name }) => name === "munin")?.machines, ["munin_monitor"]);
  });

  it("begin with the system's own on every machine that has an agent, and are none on others", () => {
    for (const type of MACHINE_TYPES) {
      const names = sourcesOf(type).map(({ name }) => name);
      if (machineType(type).role !== undefined) assert.deepEqual(names, [], type);
      else assert.ok(names.includes("system"), type);
    }
  });
});

describe("a source that is not as it should be", () => {
  let folder: string;
  let source: Source;
  const SAMPLE = [{ line: "x", "service.type": "made", "event.dataset": "made.log" }];
  const put = (path: string, text: string) => writeFileSync(join(folder, path), text);
  const says = (...more: Source[]) =>
    sourceProblems([source, ...more]).map((problem) => printProblem(problem).replace(/^\S*made-up\//, ""));

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), "dhis2-siem-source-")), "made-up");
    mkdirSync(join(folder, "samples"), { recursive: true });
    put("pipeline.yml", "");
    put("samples/a.log", "x\n");
    put("samples/a.expected.json", JSON.stringify(SAMPLE));
    source = { name: "made-up", title: "Made", folder, service: "made", datasets: ["made.log"], lines: {} };
  });
  afterEach(() => rmSync(join(folder, ".."), { recursive: true }));

  it("is told from one that is", () => assert.deepEqual(says(), []));

  it("has no samples", () => {
    rmSync(join(folder, "samples"), { recursive: true });
    const [said = "", ...more] = says();
    assert.match(said, /^samples must hold sample lines of the program, such as samples\/access\.log/);
    assert.deepEqual(more, []);
  });

  it("has samples without their documents", () => {
    rmSync(join(folder, "samples/a.expected.json"));
    assert.match(
      says().join("\n"),
      /^samples\/a\.expected\.json must hold the documents that the lines of a\.log become/,
    );
  });

  it("has documents of a dataset that it does not name", () => {
    put(
      "samples/a.expected.json",
      JSON.stringify([...SAMPLE, { ...SAMPLE[0], "event.dataset": "made.other" }]),
    );
    assert.deepEqual(says(), [
      `samples/a.expected.json: [1].event.dataset must be one of this source's datasets (made.log); it is "made.other"`,
    ]);
  });

  it("names a dataset that no sample shows", () => {
    source = { ...source, datasets: ["made.log", "made.other"] };
    assert.deepEqual(says(), [
      "index.ts: datasets must each be that of a sample's document; none is of made.other",
    ]);
  });

  it("has an identifier, a prefix or a path that another source has", () => {
    const lines = { identifiers: { nginx: {} }, prefixes: ["tomcat"], paths: ["/apache2/"] };
    source = { ...source, lines };
    const told = sourceProblems([...SOURCES, source]).map(printProblem);
    assert.deepEqual(
      told.map((text) => text.replace(/^.*index\.ts: /, "")),
      [
        'lines.identifiers must be this source\'s alone; "nginx" is also one of nginx',
        'lines.prefixes must be this source\'s alone; "tomcat" is also one of dhis2',
        'lines.paths must be this source\'s alone; "/apache2/" is also one of apache2',
      ],
    );
  });

  it("has another name than its folder, no dataset and no pipeline: all is told at once", () => {
    rmSync(join(folder, "pipeline.yml"));
    source = { ...source, name: "made", datasets: [] };
    const told = says();
    assert.match(told[0] ?? "", /^index\.ts: name must be the name of its folder/);
    assert.match(told[1] ?? "", /^index\.ts: datasets must name one at least, such as "made\.log"/);
    assert.match(told[2] ?? "", /^pipeline\.yml must be there, or `pipeline` must name a shared one/);
  });

  it("has shell that is not there, or that lacks a function", () => {
    put("logging.sh", "made_up_logging_apply() { :; }\n");
    source = {
      ...source,
      logging: { scripts: [join(folder, "logging.sh"), join(folder, "other.sh")] },
    };
    const told = says();
    assert.match(
      told[0] ?? "",
      /^index\.ts: logging\.scripts must be files that are there; there is no .*other\.sh$/,
    );
    assert.equal(told[1], "index.ts: logging.scripts must define the function made_up_logging_delete");
    assert.equal(shellName(source), "made_up");
  });
});

describe("npm run -s sources -- new NAME", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-new-source-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("copies the template, with the name in its place everywhere", () => {
    const { stdout, code } = newSource("my-program", folder);
    assert.equal(code, 0);
    assert.match(stdout, /import \{ myProgram \} from "\.\.\/sources\/my-program";/);
    const files = readdirSync(join(folder, "my-program"), { recursive: true, encoding: "utf8" }).sort();
    assert.deepEqual(files, [
      "index.ts",
      "logging.sh",
      "my-program.painless",
      "pipeline.yml",
      "samples",
      "samples/server.expected.json",
      "samples/server.log",
      "verify.sh",
    ]);
    for (const file of files.filter((name) => name.includes("."))) {
      assert.doesNotMatch(readFileSync(join(folder, "my-program", file), "utf8"), /template/i, file);
    }
    const shell = readFileSync(join(folder, "my-program/logging.sh"), "utf8");
    assert.match(shell, /^my_program_logging_apply\(\) \{$/m);
    assert.match(shell, /< <\(file_my_program_logging\)$/m);
  });

  it("refuses a name that is none, and one that is taken", () => {
    assert.match(newSource("My Program", folder).stderr, /^NAME must be small letters, digits and hyphens/);
    assert.equal(newSource("x", folder).code, 0);
    assert.match(newSource("x", folder).stderr, /is there already$/m);
  });
});
