import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { ROOT } from "../../core/root";
import { SECRETS } from "../../commands/preview-comment";

const FOLDER = join(ROOT, ".github/workflows");

const permissions = z.record(z.string(), z.enum(["read", "write", "none"]));
const workflow = z.looseObject({
  on: z.record(z.string(), z.unknown()),
  permissions,
  concurrency: z.strictObject({
    group: z.string(),
    "cancel-in-progress": z.union([z.boolean(), z.string()]),
  }),
  jobs: z.record(
    z.string(),
    z.looseObject({
      if: z.string().optional(),
      needs: z.string().optional(),
      permissions: permissions.optional(),
      "timeout-minutes": z.int(),
      steps: z.array(
        z.looseObject({
          uses: z.string().optional(),
          run: z.string().optional(),
          with: z.record(z.string(), z.unknown()).optional(),
          env: z.record(z.string(), z.string()).optional(),
        }),
      ),
    }),
  ),
});

const texts = new Map(
  readdirSync(FOLDER).map((file) => [file, readFileSync(join(FOLDER, file), "utf8")] as const),
);
const read = (file: string) => workflow.parse(parse(texts.get(file) ?? assert.fail(`there is no ${file}`)));
const secretsIn = (value: unknown) =>
  [...JSON.stringify(value).matchAll(/secrets\.(\w+)/g)].map(([, name]) => name ?? "");

describe("the workflows", () => {
  it("are two", () => assert.deepEqual([...texts.keys()].sort(), ["checks.yml", "preview.yml"]));

  it("pass actionlint", function () {
    this.timeout(300_000);
    const run = spawnSync("bash", ["tests/workflows/actionlint.sh", "-no-color"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    if (run.status === 69) {
      console.log(`      actionlint cannot be had here: ${run.stderr.trim().split("\n").at(-1)}: skipped`);
      this.skip();
    }
    assert.equal(run.stdout, "");
    assert.equal(run.status, 0, run.stderr);
  });

  for (const [file, text] of texts) {
    describe(file, () => {
      const { on, permissions: whole, jobs } = read(file);
      const steps = Object.values(jobs).flatMap((job) => job.steps);

      it("pins each action by its commit, with the version as a comment, the same everywhere", () => {
        const uses = [...text.matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(([, what]) => what ?? "");
        assert.ok(uses.length > 0);
        for (const what of uses) assert.match(what, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        assert.equal(uses.length, steps.filter((step) => step.uses !== undefined).length);
        const all = [...texts.values()].join("\n").match(/[\w-]+\/[\w-]+@[0-9a-f]{40} # v\S+/g) ?? [];
        const names = new Set(all.map((what) => what.split("@")[0]));
        assert.equal(new Set(all).size, names.size, "one action in two versions");
      });

      it("never runs a fork's code with this repository's rights", () => {
        for (const event of Object.keys(on)) {
          assert.ok(["pull_request", "push"].includes(event), `on: ${event}`);
        }
      });

      it("may do nothing that it need not, and leaves no token behind", () => {
        assert.ok(!Object.values(whole).includes("write"), "a right to write is given to a job, not to all");
        for (const { uses, with: given } of steps) {
          if (uses?.startsWith("actions/checkout@")) assert.equal(given?.["persist-credentials"], false);
        }
      });

      it("puts nothing that others write into a shell's text", () => {
        for (const { run } of steps) assert.ok(!run?.includes("${{"), run);
      });
    });
  }

  it("check pull requests of forks too, without a secret or a right to write", () => {
    const { on, permissions: whole, jobs } = read("checks.yml");
    assert.ok("pull_request" in on);
    assert.deepEqual(whole, { contents: "read" });
    assert.deepEqual(secretsIn(jobs), []);
    for (const [name, job] of Object.entries(jobs)) {
      assert.deepEqual([job.if, job.permissions], [undefined, undefined], name);
    }
    const runs = Object.values(jobs).flatMap((job) => job.steps.flatMap(({ run }) => run ?? []));
    for (const wanted of ["npm run lint", "npm test -- tests/graph", "npm test"])
      assert.ok(runs.includes(wanted));
  });

  describe("preview", () => {
    const { on, permissions: whole, jobs, concurrency } = read("preview.yml");
    const { preview, comment } = jobs;
    assert.ok(preview && comment);

    it("never runs for a fork", () => {
      assert.deepEqual(Object.keys(on), ["pull_request"]);
      const conditions = preview.if?.split(" && ") ?? [];
      assert.ok(!preview.if?.includes("||"));
      assert.ok(conditions.includes("github.event.pull_request.head.repo.full_name == github.repository"));
      // What is not run gives no text, and without one nothing is commented.
      assert.equal(comment.needs, "preview");
      assert.match(comment.if ?? "", /needs\.preview\.outputs\.text != ''/);
    });

    it("gives secrets to the one step that previews, and the right to comment to the job without secrets", () => {
      assert.deepEqual(whole, {});
      assert.deepEqual(preview.permissions, { contents: "read" });
      assert.deepEqual(comment.permissions, { contents: "read", "pull-requests": "write" });
      assert.deepEqual(secretsIn(comment), []);
      const holding = preview.steps.filter((step) => secretsIn(step).length > 0);
      assert.deepEqual(
        holding.map(({ run }) => run),
        [".github/scripts/preview.sh"],
      );
      assert.deepEqual(secretsIn(preview), secretsIn(holding));
      assert.ok(comment.steps.every(({ run }) => !run?.includes("npm")));
    });

    it("hides every secret that it holds", () => {
      assert.deepEqual(secretsIn(preview).sort(), [...SECRETS].sort());
    });

    it("is one at a time for a pull request, the newest", () => {
      assert.match(concurrency.group, /github\.event\.pull_request\.number/);
      assert.equal(concurrency["cancel-in-progress"], true);
    });

    it("runs Pulumi's CLI in the version that the lab tests with", () => {
      const version = /PULUMI_VERSION=([\d.]+)/.exec(readFileSync(join(ROOT, "lab/names.sh"), "utf8"))?.[1];
      const step = preview.steps.find(({ uses }) => uses?.startsWith("pulumi/actions@"));
      assert.deepEqual(step?.with, { "pulumi-version": version });
    });
  });

  it("run scripts that can be run", () => {
    const scripts = [...texts.values()].flatMap((text) => text.match(/\.github\/scripts\/\w+\.sh/g) ?? []);
    assert.equal(scripts.length, 2);
    for (const script of scripts) assert.ok(statSync(join(ROOT, script)).mode & 0o100, script);
  });
});
