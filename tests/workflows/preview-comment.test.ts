import assert from "node:assert/strict";
import { LIMIT, type Preview, previewComment } from "../../commands/preview-comment";

const OUTPUT = `Previewing update (prod):
  pulumi:pulumi:Stack: (same)
    ~ command:remote:Command: (update)
        [id=agent]
      ~ stdin: "old" => "new"
          - filebeat 7.17.28
          + filebeat 7.17.29
      ~ secret: [secret] => [secret]
Resources:
    ~ 1 to update
    +-1 to replace
    2 changes. 80 unchanged
`;

function comment(given: Partial<Preview>): string {
  return previewComment({
    stack: "prod",
    commit: "0123456789abcdef",
    output: OUTPUT,
    status: 0,
    secrets: [],
    ...given,
  });
}

describe("a preview's comment", () => {
  it("begins with its mark, and says what would change", () => {
    const [mark, title, , from] = comment({}).split("\n");
    assert.equal(mark, "<!-- dhis2-siem preview prod -->");
    assert.equal(title, "### Preview of `prod`: 1 to update, 1 to replace, 80 unchanged");
    assert.match(from ?? "", /^For 0123456789ab\. /);
  });

  it("shows the preview as a diff, signs first", () => {
    const text = comment({});
    assert.match(text, /\n```diff\nPreviewing update \(prod\):\n/);
    assert.match(text, /\n- {11}filebeat 7\.17\.28\n\+ {11}filebeat 7\.17\.29\n/);
    assert.match(text, /\n```\n\n<\/details>$/);
  });

  it("says so where nothing would change, and where it fails", () => {
    const same = comment({ output: "Resources:\n    82 unchanged\n" });
    assert.match(same, /^### Preview of `prod`: no change$/m);
    const failed = comment({ output: "error: no such stack", status: 255 });
    assert.match(failed, /^### Preview of `prod`: it fails$/m);
    assert.match(failed, /<details open>/);
  });

  it("of two stacks are two", () => {
    assert.notEqual(
      comment({ stack: "org/siem/a" }).split("\n")[0],
      comment({ stack: "org/siem/b" }).split("\n")[0],
    );
  });

  it("has none of the secrets, whole, quoted or line by line, and no private key", () => {
    const key =
      "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAABBBBCCCCDDDDEEEE\n-----END OPENSSH PRIVATE KEY-----";
    const secrets = ['pass"phrase', "", "first line of it, long\nsecond line of it, long"];
    const output = `a pass"phrase b "pass\\"phrase" c\nsecond line of it, long\n${key}\nend ${key.slice(0, 50)}`;
    const text = comment({ output, secrets });
    for (const hidden of ["phrase", "second line", "AAAABBBB"]) assert.ok(!text.includes(hidden), text);
    assert.match(text, /a \[secret\] b "\[secret\]" c\n\[secret\]\n\[private key\]\nend \[private key\]/);
  });

  it("stays in its block, whatever the preview prints", () => {
    const text = comment({ output: "```\n@everyone\n````\n\u001b[31mred\u001b[0m\r\nnext\r\n" });
    assert.equal(text.match(/```/g)?.length, 2);
    assert.match(text, /\nred\nnext\n```\n/);
  });

  for (const [name, line] of Object.entries({
    short: "x",
    long: "é€😀".repeat(100),
    endless: "€".repeat(50_000),
  })) {
    it(`is never longer than GitHub takes, and keeps both ends: ${name} lines`, () => {
      const lines = Array.from({ length: Math.ceil(200_000 / line.length) }, (_, at) => `${at} ${line}`);
      const text = comment({ output: `the first line\n${lines.join("\n")}\n${OUTPUT}` });
      assert.ok(Buffer.byteLength(text) <= LIMIT && text.length < 65_536, String(Buffer.byteLength(text)));
      assert.match(text, /\n```diff\nthe first line\n/);
      assert.match(text, /\n\.\.\. \d+ lines left out; /);
      assert.match(text, /\n {4}2 changes\. 80 unchanged\n```\n/);
      assert.ok(!text.includes("\ufffd"), "half a character");
    });
  }
});
