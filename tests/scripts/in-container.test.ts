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

  /** Runs it before an `lxc` that lists one running container, or does this in place of it, has this of a restore, and runs what it is given. */
  function run(action: string, restored = "", list = "echo dhis,RUNNING") {
    const scripts = loadScripts();
    writeFileSync(
      join(folder, "lxc"),
      `#!/bin/bash\n[ "$1 $2" = "--project default" ] || exit 1\nshift 2\ncase $1 in\nlist) ${list} ;;\nconfig) [ "$4" = volatile.uuid ] && echo 11-22 || echo ${restored} ;;\nexec) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;\nesac\n`,
    );
    chmodSync(join(folder, "lxc"), 0o755);
    const bundle = renderBundle({
      title: "a step",
      values: { LXD_PROJECT: "default", CONTAINER: "dhis" },
      files: { inner: 'echo "$1 in it"\n' },
      scripts: [scripts.lib.replaceAll("/run/", `${folder}/`), scripts.lxd, scripts["in-container"]],
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
    const cases: [list: string, message: RegExp][] = [
      ["echo dhis,STOPPED", /'dhis' is STOPPED: start it with 'lxc start dhis --project default'/],
      ["echo dhis2,RUNNING", /there is no container 'dhis' in the LXD project 'default'/],
    ];
    for (const [list, message] of cases) {
      const { status, stdout, stderr } = run("apply", "", list);
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(stderr, message);
      const back = run("delete", "", list);
      assert.deepEqual([back.status, back.stdout], [0, ""]);
    }
  });

  it("fails where LXD does not say the id: another one means another container", () => {
    const { status, stderr } = run("apply", "; echo 'Error: the socket is away' >&2; exit 1");
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^siem: error: LXD does not say which container 'dhis' is on \S+: Error: the socket is away\n$/,
    );
  });

  it("fails where LXD does not answer, and says so: nobody can tell what is to be taken back", () => {
    for (const action of ["apply", "delete"]) {
      const { status, stdout, stderr } = run(action, "", "echo 'Error: the socket is away' >&2; exit 1");
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(
        stderr,
        /^siem: error: LXD does not answer for the project 'default' on \S+: Error: the socket is away\n$/,
      );
    }
  });
});
