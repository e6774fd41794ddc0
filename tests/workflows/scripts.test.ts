import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const SCRIPTS = join(__dirname, "../../.github/scripts");

/** What each program on the PATH was called with, and given on stdin. */
describe("the workflows' scripts", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "workflows-"));
    mkdirSync(join(folder, "bin"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (name: string) => join(folder, name);

  function run(script: string, env: Record<string, string>) {
    return spawnSync("bash", [join(SCRIPTS, script)], {
      encoding: "utf8",
      env: {
        HOME: process.env.HOME,
        PATH: `${file("bin")}${delimiter}${process.env.PATH ?? ""}`,
        ...env,
      },
    });
  }

  /** A program that notes its arguments, and then does this. */
  function program(name: string, text: string): void {
    writeFileSync(
      file(`bin/${name}`),
      `#!/usr/bin/env bash\nprintf '%s\\n' "$*" >>"${file("calls")}"\n${text}\n`,
    );
    chmodSync(file(`bin/${name}`), 0o755);
  }

  describe("comment.sh", () => {
    const MARK = "<!-- dhis2-siem preview prod -->";
    const TEXT = `${MARK}\n### Preview\n\`$(touch nothing)\` "quoted" 'too'`;
    const env = { GITHUB_REPOSITORY: "moh/siem", NUMBER: "7", TEXT };
    /** Lists these ids; keeps what a request brings. */
    const gh = (ids: string) =>
      program("gh", `case "$*" in *--paginate*) printf '%b' "${ids}" ;; *) cat >"${file("body")}" ;; esac`);
    const calls = () => readFileSync(file("calls"), "utf8").trimEnd().split("\n");

    it("makes a comment where there is none", () => {
      gh("");
      const { status, stderr } = run("comment.sh", env);
      assert.equal(status, 0, stderr);
      assert.match(calls()[0] ?? "", /^api --paginate repos\/moh\/siem\/issues\/7\/comments --jq /);
      assert.equal(calls()[1], "api --silent --method POST repos/moh/siem/issues/7/comments --field body=@-");
      assert.equal(readFileSync(file("body"), "utf8"), `${TEXT}\n`);
    });

    it("changes the one that is there", () => {
      gh("41\\n42\\n");
      assert.equal(run("comment.sh", env).status, 0);
      assert.equal(
        calls()[1],
        "api --silent --method PATCH repos/moh/siem/issues/comments/41 --field body=@-",
      );
    });

    it("finds it by its first line and its author", function () {
      if (spawnSync("jq", ["--version"]).status !== 0) {
        console.log("      there is no jq here: skipped");
        this.skip();
      }
      const bot = { login: "github-actions[bot]" };
      const comments = [
        { id: 1, user: { login: "eve" }, body: TEXT },
        { id: 2, user: bot, body: "<!-- dhis2-siem preview test -->\nof another stack" },
        { id: 3, user: bot, body: `a quotation:\n${MARK}` },
        { id: 4, user: bot, body: `${MARK}\r\nan older preview` },
      ];
      writeFileSync(file("comments"), JSON.stringify(comments));
      program(
        "gh",
        `case "$*" in *--paginate*) jq -r "\${@: -1}" "${file("comments")}" ;; *) cat >/dev/null ;; esac`,
      );
      const { status, stderr } = run("comment.sh", env);
      assert.equal(status, 0, stderr);
      assert.match(calls().at(-1) ?? "", /PATCH repos\/moh\/siem\/issues\/comments\/4 /);
    });

    it("refuses a text without its mark", () => {
      gh("");
      const { status, stderr } = run("comment.sh", { ...env, TEXT: "hello" });
      assert.equal(status, 1);
      assert.match(stderr, /does not begin with its mark/);
    });

    it("fails where GitHub does", () => {
      program("gh", "echo 'HTTP 403' >&2; exit 1");
      assert.notEqual(run("comment.sh", env).status, 0);
    });
  });

  describe("preview.sh", function () {
    this.timeout(30_000);
    const env = () => ({
      PULUMI_STACK: "prod",
      PULUMI_BACKEND_URL: "",
      PULUMI_CONFIG_PASSPHRASE: "open sesame",
      COMMIT: "0123456789abcdef",
      GITHUB_OUTPUT: file("output"),
      GITHUB_STEP_SUMMARY: file("summary"),
    });

    it("gives the comment as an output, without the secrets, and unsets what is empty", () => {
      program(
        "pulumi",
        'echo "backend ${PULUMI_BACKEND_URL-none}, passphrase $PULUMI_CONFIG_PASSPHRASE"; echo "Resources:"; echo "    + 2 to create"',
      );
      const { status, stdout, stderr } = run("preview.sh", env());
      assert.equal(status, 0, stderr);
      assert.equal(stdout, "");
      assert.match(readFileSync(file("calls"), "utf8"), /^preview --stack prod --diff --non-interactive /);
      const summary = readFileSync(file("summary"), "utf8");
      assert.match(summary, /^### Preview of `prod`: 2 to create$/m);
      assert.match(summary, /^backend none, passphrase \[secret\]$/m);
      const output = readFileSync(file("output"), "utf8");
      const delimiter = /^text<<(end-[0-9a-f]{32})\n/.exec(output)?.[1];
      assert.equal(output, `text<<${delimiter}\n${summary}${delimiter}\n`);
    });

    it("ends as the preview did, its comment all the same", () => {
      program("pulumi", "echo 'error: site: there is no such file' >&2; exit 255");
      assert.equal(run("preview.sh", env()).status, 255);
      const output = readFileSync(file("output"), "utf8");
      assert.match(output, /it fails[\s\S]*error: site: there is no such file/);
    });
  });
});
