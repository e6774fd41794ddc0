import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderBundle } from "../../render/bundle";
import { loadScripts } from "../../scripts";

describe("in-container.sh", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-in-container-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs it before an `lxc` that has one running container, and this of a restore, and runs what it is given. */
  function run(action: string, restored = "", listed = "dhis,RUNNING") {
    const scripts = loadScripts();
    writeFileSync(
      join(folder, "lxc"),
      `#!/bin/bash\ncase $1 in\nlist) echo ${listed} ;;\nconfig) [ "$4" = volatile.uuid ] && echo 11-22 || echo ${restored} ;;\nexec) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;\nesac\n`,
    );
    chmodSync(join(folder, "lxc"), 0o755);
    const bundle = renderBundle({
      title: "a step",
      values: { LXD_PROJECT: "default", CONTAINER: "dhis" },
      files: { inner: 'echo "$1 in it"\n' },
      scripts: [scripts.lib.replaceAll("/run/", `${folder}/`), scripts["in-container"]],
    });
    return spawnSync("bash", ["-s", "--", action], {
      input: bundle,
      encoding: "utf8",
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    });
  }

  it("prints what the step prints, then LXD's id of the container", () => {
    const { stdout, stderr, status } = run("apply");
    assert.deepEqual([stderr, status], ["", 0]);
    assert.equal(stdout, 'apply in it\n\n{"container":"dhis","uuid":"11-22"}\n');
  });

  it("prints with it the id of a restore from a snapshot, where LXD has one and it is another", () => {
    const id = (restored: string) => /"uuid":"(.*)"/.exec(run("apply", restored).stdout)?.[1];
    assert.deepEqual(["", "11-22", "33-44"].map(id), ["11-22", "11-22", "11-22/33-44"]);
  });

  it("prints no id where it takes the step back", () => {
    assert.equal(run("delete").stdout, "delete in it\n");
  });

  it("fails for a container that is stopped or not there, and says which; there is nothing to take back in it", () => {
    const cases: [listed: string, message: RegExp][] = [
      ["dhis,STOPPED", /'dhis' is STOPPED: start it with 'lxc start dhis --project default'/],
      ["dhis2,RUNNING", /there is no container 'dhis' in the LXD project 'default'/],
    ];
    for (const [listed, message] of cases) {
      const { status, stdout, stderr } = run("apply", "", listed);
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, message);
      const back = run("delete", "", listed);
      assert.deepEqual([back.status, back.stdout], [0, ""]);
    }
  });
});
