import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { ROOT } from "../../core/root";

const FILES = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));
const read = (file: string): unknown => parse(readFileSync(join(ROOT, file), "utf8"));

/** The parts of GitHub's form schema that are used here; GitHub hides a form that breaks it, without a word. */
const issueForm = z.strictObject({
  name: z.string(),
  description: z.string(),
  labels: z.array(z.string()),
  body: z.array(
    z.strictObject({
      type: z.enum(["markdown", "textarea", "input", "dropdown", "checkboxes"]),
      id: z
        .string()
        .regex(/^[\w-]+$/)
        .optional(),
      attributes: z.strictObject({
        label: z.string().optional(),
        value: z.string().optional(),
        description: z.string().optional(),
        placeholder: z.string().optional(),
        render: z.string().optional(),
        options: z.array(z.union([z.string(), z.strictObject({ label: z.string() })])).optional(),
      }),
      validations: z.strictObject({ required: z.boolean() }).optional(),
    }),
  ),
});

const schedule = z.strictObject({ interval: z.literal("monthly") });
const dependabot = z.strictObject({
  version: z.literal(2),
  updates: z.array(
    z.strictObject({
      "package-ecosystem": z.enum(["npm", "github-actions", "gomod", "pip"]),
      directory: z.string().optional(),
      directories: z.array(z.string()).optional(),
      schedule,
      cooldown: z.strictObject({ "default-days": z.int().min(1) }),
      "commit-message": z.strictObject({ prefix: z.string() }),
      groups: z.record(z.string(), z.strictObject({ patterns: z.array(z.string()) })),
    }),
  ),
});

describe("the issue forms", () => {
  const forms = FILES.filter(
    (file) => dirname(file) === ".github/ISSUE_TEMPLATE" && basename(file) !== "config.yml",
  );

  it("are three", () =>
    assert.deepEqual(
      forms.map((file) => basename(file)),
      ["bug.yml", "detection.yml", "source.yml"],
    ));

  for (const file of forms) {
    it(`${basename(file)} has the fields that GitHub wants`, () => {
      const { body } = issueForm.parse(read(file));
      const questions = body.filter(({ type }) => type !== "markdown");
      for (const { type, id, attributes } of body) {
        assert.equal(attributes.value !== undefined, type === "markdown", `${id}: only Markdown has a value`);
        assert.equal(attributes.options !== undefined, ["dropdown", "checkboxes"].includes(type), id);
      }
      for (const key of ["id", "label"] as const) {
        const values = questions.map(({ id, attributes }) => (key === "id" ? id : attributes.label));
        assert.ok(!values.includes(undefined), `a question has no ${key}`);
        assert.equal(new Set(values).size, values.length, `two questions have the same ${key}`);
      }
    });
  }
});

describe("dependency updates", () => {
  const { updates } = dependabot.parse(read(".github/dependabot.yml"));
  const watched = (ecosystem: string) =>
    updates
      .filter((update) => update["package-ecosystem"] === ecosystem)
      .flatMap(({ directory, directories = [] }) => [
        ...(directory === undefined ? [] : [directory]),
        ...directories,
      ])
      .sort();
  const foldersWith = (name: string) =>
    FILES.filter((file) => basename(file) === name)
      .map((file) => join("/", dirname(file)))
      // The generated SDK's packages are the generator's choice.
      .filter((folder) => folder !== "/sdks/elasticstack")
      .sort();

  it("look at every go.mod", () => assert.deepEqual(watched("gomod"), foldersWith("go.mod")));
  it("look at every requirements.txt", () =>
    assert.deepEqual(watched("pip"), foldersWith("requirements.txt")));
  it("look at every package.json that has a lock", () =>
    assert.deepEqual(watched("npm"), foldersWith("package-lock.json")));
  it("look at the workflows", () => assert.deepEqual(watched("github-actions"), ["/"]));
  it("come once a month for a kind, in one pull request", () => {
    for (const { groups } of updates)
      assert.deepEqual(
        Object.values(groups).map(({ patterns }) => patterns),
        [["*"]],
      );
  });
});
