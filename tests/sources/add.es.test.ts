/** A source and a machine type that somebody adds, from the template, in a copy of the project: no other file is touched. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { realElasticsearch } from "../../commands/elasticsearch";
import { ROOT } from "../../core/root";

const IMPORT = 'import { madeUp } from "../sources/made-up";\n';
const ENTRY = `  made_up_machine: {
    title: "a machine of the test",
    sources: [madeUp],
    found: { by: /^made-up-server$/, name: /made/ },
  },
} as const satisfies`;

describe("a source and a machine type that are added", function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-project-"));
  const at = (path: string) => join(folder, path);
  const site = at("site.json");
  let url: string;

  /** Runs Node in the copy. */
  const node = (...args: string[]) => {
    const env = { ...process.env, ELASTICSEARCH_URL: url };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      encoding: "utf8",
      env,
    });
    return { status, text: `${stdout}${stderr}` };
  };
  const program = (path: string, ...args: string[]) => node("-r", "./core/register.js", path, ...args);
  const tool = (path: string, ...args: string[]) => node(`node_modules/${path}`, ...args);
  const succeeds = ({ status, text }: ReturnType<typeof node>) => assert.equal(status, 0, text.slice(-4000));

  before(async () => {
    url = `http://127.0.0.1:${(await realElasticsearch()).port}`;
    const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    for (const file of files.split("\n").filter((name) => name !== "" && existsSync(join(ROOT, name)))) {
      mkdirSync(dirname(at(file)), { recursive: true });
      cpSync(join(ROOT, file), at(file));
    }
    symlinkSync(join(ROOT, "node_modules"), at("node_modules"));
    succeeds(program("commands/sources.ts", "new", "made-up"));
    const machines = readFileSync(at("machines/index.ts"), "utf8");
    writeFileSync(at("machines/index.ts"), IMPORT + machines.replace("} as const satisfies", ENTRY));
    const { containers, ...rest } = JSON.parse(
      readFileSync(join(ROOT, "tests/sites/nginx.json"), "utf8"),
    ) as {
      containers: { ip: string }[];
    };
    const ip = containers[0]?.ip.replace(/\d+$/, "77") ?? "";
    containers.push({ name: "made", ip, type: "made_up_machine" } as { ip: string });
    writeFileSync(site, JSON.stringify({ ...rest, containers }));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("are right to the compiler", () => {
    succeeds(tool("typescript/bin/tsc", "--noEmit"));
  });

  it("are right to the linter and the formatter", () => {
    succeeds(tool("eslint/bin/eslint.js", "sources", "machines"));
    succeeds(tool("prettier/bin/prettier.cjs", "--check", "sources", "machines"));
  });

  it("have lines that become the documents of its samples", () => {
    const { status, text } = program("tests/run.ts", "pipelines/pairs");
    assert.equal(status, 0, text.slice(-4000));
    assert.match(text, /✔ made-up: server/);
  });

  it("are in the graph: the agent with its logging and files, and the pipeline", () => {
    const { status, text } = program("commands/graph.ts", site);
    assert.equal(status, 0, text.slice(-4000));
    assert.match(text, /^agent-made-settings /m);
    assert.match(text, /SOURCES='system made_up munin_node'/);
    assert.match(text, /<<sources\/made-up\/logging\.sh [0-9a-f]{12}>>/);
    assert.match(text, /- \/var\/log\/made-up\/server\.log\n/);
    assert.match(text, /^logs-dhis2-siem-default-made-up /m);
  });

  it("are accepted in a site's file", () => {
    const { status, text } = program("commands/site.ts", site);
    assert.equal(status, 0, text);
    assert.match(
      text,
      /^made +made_up_machine .* yes +journal with made-up; \/var\/log\/made-up\/server\.log$/m,
    );
  });

  it("are refused before anything is deployed where the source has no samples", () => {
    rmSync(at("sources/made-up/samples"), { recursive: true });
    const { status, text } = program("commands/graph.ts", site);
    assert.notEqual(status, 0);
    assert.match(text, /^sources\/made-up\/samples must hold sample lines of the program/m);
  });
});
