import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { ROOT } from "../core/root";

describe("the check of the layers (.dependency-cruiser.mjs)", function () {
  this.timeout(120_000);
  let folder = "";
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-layers-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** What it says of a project with these files: its violations, sorted, and its exit code. */
  async function cruise(files: Readonly<Record<string, string>>) {
    for (const [file, text] of Object.entries({ ...files, "tsconfig.json": "{}" })) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const command = join(ROOT, "node_modules/.bin/depcruise");
    const args = ["--config", join(ROOT, ".dependency-cruiser.mjs"), "--output-type", "err", "."];
    const { stdout, exitCode } = await execa(command, args, { cwd: folder, reject: false });
    const violations = Array.from(stdout.matchAll(/^ *error (.*?)(?: →)? *$/gm), ([, text = ""]) => text);
    return { violations: violations.sort(), failed: exitCode !== 0 };
  }

  it("lets each layer import from lower ones", async () => {
    const good = {
      "core/a.ts": "export const a = 1;\n",
      "render/b.ts": 'export { a } from "../core/a";\n',
      "index.ts": 'export { a } from "./render/b";\n',
      "tests/c.ts": 'import { a } from "..";\nimport type { T } from "../lab/d";\nexport const c: T = a;\n',
      "lab/d.ts": 'import { a } from "../core/a";\nexport type T = typeof a;\n',
    };
    assert.deepEqual(await cruise(good), { violations: [], failed: false });
  });

  it("finds an import upwards, also of a type, a cycle, an orphan, and what is not there", async () => {
    const bad = {
      // Of values, of types, by require, and between folders that stand beside each other.
      "core/value.ts": 'export { b } from "../commands/b";\n',
      "core/type.ts": 'import type { b } from "../commands/b";\nexport type B = typeof b;\n',
      "commands/b.ts": "export const b = 1;\n",
      "components/lab.ts": 'import lab = require("../lab/c");\nexport const c = lab.c;\n',
      "lab/c.ts": 'import { d } from "../tests/d";\nexport const c = d;\n',
      "tests/d.ts": "export const d = 1;\n",
      "pipelines/e.ts": 'export { f } from "../policies/f";\n',
      "policies/f.ts": "export const f = 1;\n",
      // A cycle, one half of which is a type.
      "render/g.ts": 'import { h } from "./h";\nexport const g = h;\nexport type G = number;\n',
      "render/h.ts": 'import type { G } from "./g";\nexport const h: G = 1;\n',
      "render/orphan.ts": "export const nobody = 1;\n",
      "render/lost.ts": 'export * from "./nowhere";\n',
      "new/folder.ts": 'export { b } from "../commands/b";\n',
    };
    const { violations, failed } = await cruise(bad);
    assert.deepEqual(violations, [
      "every-file-in-a-layer: new/folder.ts → commands/b.ts",
      "no-cycle: render/g.ts",
      "no-import-upwards-from-components: components/lab.ts → lab/c.ts",
      "no-import-upwards-from-core: core/type.ts → commands/b.ts",
      "no-import-upwards-from-core: core/value.ts → commands/b.ts",
      "no-import-upwards-from-lab: lab/c.ts → tests/d.ts",
      "no-import-upwards-from-pipelines: pipelines/e.ts → policies/f.ts",
      "no-orphan: render/orphan.ts",
      "no-unresolvable: render/lost.ts → ./nowhere",
    ]);
    assert.ok(failed);
  });
});
