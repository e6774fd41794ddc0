import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { CACHE } from "../../core/cache";
import { ROOT } from "../../core/root";
import { LAB_STATE } from "../../lab/places";
import { run } from "../../lab/shell";
import { status } from "../../lab/status";

describe("a lab whose state is in another cache", () => {
  const other = mkdtempSync(join(tmpdir(), "dhis2-siem-cache-"));
  before(() => {
    for (const name of readdirSync(CACHE)) {
      if (name !== basename(LAB_STATE)) symlinkSync(join(CACHE, name), join(other, name));
    }
  });
  after(() => rmSync(other, { recursive: true }));

  const lab = (...args: string[]) =>
    run(process.execPath, ["-r", join(ROOT, "core/register.js"), join(ROOT, "lab/main.ts"), ...args], {
      env: { DHIS2_SIEM_CACHE: other },
    });

  it("is removed with its containers and servers, and a new lab begins, which then stays", async () => {
    const first = await lab("up");
    assert.match(first, /a lab whose state is not in .* is taken away/);
    assert.match(first, /pulumi up: \d+ create(?!.*update)/);
    assert.match(await lab("up"), /pulumi up: nothing changed/);
    assert.deepEqual(
      (await status()).filter(({ state }) => state === "down"),
      [],
      "what runs is known by every cache",
    );
  });
});
