import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { quote, renderBundle } from "../../render/bundle";

function bash(bundle: string, ...args: string[]) {
  return spawnSync("bash", ["-s", "--", ...args], { input: bundle, encoding: "utf8" });
}

describe("a bundle", () => {
  it("gives a script its values, files, secrets and action", () => {
    const bundle = renderBundle({
      title: "a test",
      values: { NAME: "it's", COUNT: 3 },
      files: { plain_txt: "one\ntwo\n", empty: "" },
      secrets: { word: "hush" },
      scripts: ['main() { echo "$1 $NAME $COUNT"; file_plain_txt; file_empty; secret_word; }'],
    });
    const result = bash(bundle, "apply");
    assert.equal(result.stderr, "");
    assert.equal(result.stdout, "apply it's 3\none\ntwo\nhush\n");
  });

  it("stops at the first error, and gives its status", () => {
    const result = bash(renderBundle({ title: "t", values: {}, scripts: ["main() { false; echo on; }"] }));
    assert.equal(result.status, 1);
    assert.equal(result.stdout, "");
  });

  it("keeps a command inside from eating the bundle", () => {
    const result = bash(renderBundle({ title: "t", values: {}, scripts: ["main() { cat; echo done; }"] }));
    assert.equal(result.stdout, "done\n");
  });

  it("carries any text, in a value and in a file, also one that looks like its own end", () => {
    const text = fc
      .array(
        fc.oneof(
          fc.constantFrom("END_OF_FILE", "END_OF_FILE_1", "}", "$(id)", "`id`", "'", "\\"),
          fc.string(),
        ),
      )
      .map((lines) => lines.join("\n").replaceAll("\0", "").replaceAll("\r", ""));
    fc.assert(
      fc.property(text, (content) => {
        const bundle = renderBundle({
          title: content,
          values: { VALUE: content },
          files: { content },
          scripts: ['main() { printf "%s" "$VALUE"; printf "|"; file_content; }'],
        });
        const file = content === "" || content.endsWith("\n") ? content : `${content}\n`;
        assert.equal(bash(bundle).stdout, `${content}|${file}`);
      }),
      { seed: 20261124, numRuns: 60 },
    );
  });

  it("refuses a name that would be code", () => {
    assert.throws(() => renderBundle({ title: "t", values: { "A;id": 1 }, scripts: [] }), /no name/);
    assert.throws(
      () => renderBundle({ title: "t", values: {}, files: { "a b": "" }, scripts: [] }),
      /no name/,
    );
  });

  it("quotes for bash", () => assert.equal(quote("a'b"), "'a'\\''b'"));
});
