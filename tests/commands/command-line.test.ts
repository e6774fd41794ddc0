import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../core/root";
import { main as alert } from "../../commands/alert";
import { runCommand } from "../../commands/command-line";
import { main as dashboards } from "../../commands/dashboards";
import { main as fields } from "../../commands/fields";
import { main as graph } from "../../commands/graph";
import { succeeded, type Outcome } from "../../commands/outcome";
import { main as parse } from "../../commands/parse";
import { main as previewComment } from "../../commands/preview-comment";
import { main as detections } from "../../commands/detections";
import { main as site } from "../../commands/site";
import { main as sources } from "../../commands/sources";
import { main as verify } from "../../commands/verify";

type Main = (args: readonly string[]) => Promise<Outcome>;
const COMMANDS: Readonly<Record<string, Main>> = {
  alert,
  dashboards,
  detections,
  fields,
  graph,
  parse: (args) => parse(args, () => undefined),
  "preview-comment": previewComment,
  site,
  sources,
  verify: (args) => verify(args, false),
};

describe("every command of npm run", () => {
  it("stands in package.json", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const ours = Object.keys(scripts).filter((name) => scripts[name]?.includes(" commands/"));
    assert.deepEqual(ours.sort(), Object.keys(COMMANDS).sort());
  });

  for (const [name, main] of Object.entries(COMMANDS)) {
    it(`says what it does: ${name} --help`, async () => {
      const { stdout, stderr, code } = await main(["--help"]);
      assert.deepEqual([stderr, code], ["", 0]);
      assert.match(stdout, new RegExp(`^Usage: npm run -s ${name} -- `));
      assert.match(stdout, /\n\n[A-Z].*\.\n/s, "a description");
      assert.match(stdout, /^Options:$/m);
      assert.match(stdout, new RegExp(`^Examples:\n {2}# .+\n {2}npm run -s ${name}`, "m"));
    });

    it(`refuses what it does not know: ${name} --no-such-option`, async () => {
      const { stdout, stderr, code } = await main(["--no-such-option"]);
      assert.deepEqual([stdout, code], ["", name === "verify" ? 3 : 2]);
      assert.match(
        stderr,
        new RegExp(`^error: unknown option '--no-such-option'\nusage: npm run -s ${name} -- .*\n`),
      );
    });
  }
});

describe("a command's arguments", () => {
  const text = { name: "try", description: "Tries.", examples: [["a", "try a"]] } as const;
  const run = (args: readonly string[], more: { usageCode?: number; errorCode?: number } = {}) =>
    runCommand(args, { ...text, ...more }, (command, action) => {
      command
        .argument("<word>")
        .option("--times <count>", "how often", "2")
        .action(
          action((word: string, { times }: { times: string }) => {
            if (word === "bad") command.error("error: the word must be good");
            if (word === "broken") throw new Error("it broke");
            return succeeded(word.repeat(Number(times)));
          }),
        );
    });

  it("are given to its action, whose outcome is its own", async () => {
    assert.deepEqual(await run(["ab"]), { stdout: "abab", stderr: "", code: 0 });
    assert.deepEqual(await run(["ab", "--times", "3"]), { stdout: "ababab", stderr: "", code: 0 });
  });

  it("may be wrong for its action, too; that is a usage mistake", async () => {
    const stderr =
      "error: the word must be good\nusage: npm run -s try -- [options] <word>\n(--help prints more)\n";
    assert.deepEqual(await run(["bad"]), { stdout: "", stderr, code: 2 });
    assert.deepEqual(await run(["bad"], { usageCode: 3 }), { stdout: "", stderr, code: 3 });
  });

  it("show their defaults in its help", async () => {
    assert.match((await run(["--help"])).stdout, /--times <count> {2}how often \(default: "2"\)/);
  });

  it("are not what was wrong where its work throws", async () => {
    assert.deepEqual(await run(["broken"]), { stdout: "", stderr: "it broke\n", code: 1 });
    assert.deepEqual(await run(["broken"], { errorCode: 3 }), { stdout: "", stderr: "it broke\n", code: 3 });
  });
});

describe("npm run preview-comment", () => {
  it("prints the comment, without the secrets of its environment", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-comment-"));
    try {
      const file = join(folder, "output");
      writeFileSync(file, "the passphrase is open sesame\n");
      const env = {
        PULUMI_STACK: "prod",
        COMMIT: "0123456789abcdef",
        PULUMI_CONFIG_PASSPHRASE: "open sesame",
      };
      const { stdout, stderr, code } = await previewComment([file, "0"], env);
      assert.deepEqual([stderr, code], ["", 0]);
      assert.match(stdout, /Preview of `prod`.*the passphrase is \[secret\]/s);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("wants a file and an exit code", async () => {
    for (const [args, message] of [
      [["file"], "missing required argument 'status'"],
      [["file", "good"], "status must be an exit code, such as 0, not good"],
    ] as const) {
      const { stderr, code } = await previewComment(args);
      assert.match(stderr, new RegExp(`^error: ${message}\n`));
      assert.equal(code, 2);
    }
  });
});

describe("npm run graph", () => {
  it("wants a file that is there", async () => {
    assert.deepEqual(await graph(["/none.json"]), {
      stdout: "",
      stderr: "there is no file /none.json\n",
      code: 2,
    });
  });
});
