import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeCa } from "../../connection/ca";

describe("the CA's file", () => {
  const folder = mkdtempSync(join(tmpdir(), "ca-"));
  after(() => rmSync(folder, { recursive: true }));

  it("is made with its folder, readable for all whatever the umask, and replaced by the next one", () => {
    const file = join(folder, ".siem/dev-ca.pem");
    const umask = process.umask(0o077);
    try {
      writeCa(file, "first\n");
      writeCa(file, "second\n");
    } finally {
      process.umask(umask);
    }
    assert.equal(readFileSync(file, "utf8"), "second\n");
    assert.equal(statSync(file).mode & 0o777, 0o644);
    assert.deepEqual(readdirSync(join(folder, ".siem")), ["dev-ca.pem"]);
  });
});
