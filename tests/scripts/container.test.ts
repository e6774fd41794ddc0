/** The step of the SIEM's container, with a fake `lxc`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { movedScripts } from "../support/scripts";

describe("container.sh", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-container-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs it, and some more bash before, on an `lxc` that does this to list its containers; they come up at once. */
  function run(action: string, list: string, more = "") {
    const script = `set -euo pipefail
      ${movedScripts(folder, "lib", "lxd", "container")}
      lxc() {
        shift 2
        echo "lxc $*" >&3
        case "$*" in
          "list "*) ${list} ;;
          *"ip -4"*) echo " 10.0.0.2/24" ;;
          *is-system-running) echo running ;;
        esac
      }
      hostname() { echo host1; }; limit_disk() { :; }; ${more}
      LXD_PROJECT=default CONTAINER=siem IMAGE=ubuntu:24.04 ADDRESS=10.0.0.2 MEMORY=4GiB CPU=2 DISK=""
      main ${action} 3>"${folder}/called"; cat "${folder}/called"`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    return { status, said: stderr.trim(), did: stdout.trim().split("\n") };
  }
  const is =
    (...ends: string[]) =>
    (line: string) =>
      ends.some((end) => line.endsWith(end));

  it("makes it where it is not there, and waits for cloud-init before the system, which is not up without it", () => {
    const { status, did } = run("apply", "echo other,RUNNING");
    assert.equal(status, 0);
    assert.ok(did.includes("lxc init ubuntu:24.04 siem") && did.includes("lxc start siem"));
    const waits = did.filter((line) => /status --wait|is-system-running/.test(line));
    assert.match(waits.join("\n"), /cloud-init status --wait.*\n.*is-system-running$/);
  });

  it("limits its memory and CPU, and gives it a smaller share while CPU time is short", () => {
    for (const list of ["echo other,RUNNING", "echo siem,RUNNING"]) {
      const { did } = run("apply", list);
      for (const limit of ["limits.memory=4GiB", "limits.cpu=2", "limits.cpu.allowance=50%"])
        assert.ok(did.includes(`lxc config set siem ${limit}`), `${list}: ${limit}`);
    }
  });

  it("warns, and goes on, where LXD cannot limit the CPU", () => {
    const { status, said, did } = run(
      "apply",
      "echo siem,RUNNING",
      `set_config() { [[ $1 != limits.cpu* ]] || { echo "Error: no such cgroup" >&2; return 1; }; echo "set $1" >&3; }`,
    );
    assert.equal(status, 0);
    assert.match(
      said,
      /siem: warning: the CPU of siem is not limited to 2 cores .*; LXD answers: Error: no such cgroup$/m,
    );
    assert.ok(did.includes("set boot.autostart"));
  });

  it("leaves it running where it is", () => {
    const { status, did } = run("apply", "echo siem,RUNNING");
    assert.equal(status, 0);
    assert.deepEqual(did.filter(is("start siem", "init ubuntu:24.04 siem", "restart siem --timeout 60")), []);
  });

  it("deletes it, and has nothing to do where it is gone", () => {
    const deletes = (list: string) => {
      const { status, did } = run("delete", list);
      assert.equal(status, 0);
      return did.includes("lxc delete --force siem");
    };
    assert.deepEqual(["echo siem,RUNNING", "echo siem,STOPPED", "echo other,RUNNING"].map(deletes), [
      true,
      true,
      false,
    ]);
  });

  it("never takes it for gone, nor makes it, because LXD does not answer or is not there", () => {
    for (const action of ["apply", "delete"]) {
      const away = run(action, "echo 'Error: connection refused' >&2; return 1");
      assert.equal(away.status, 1);
      assert.equal(
        away.said,
        "siem: error: LXD does not answer for the project 'default' on host1: Error: connection refused",
      );
      const missing = run(action, "return 0", 'command() { [ "$*" != "-v lxc" ]; }');
      assert.equal(missing.status, 1);
      assert.match(missing.said, /^siem: error: there is no lxc command on host1: LXD is missing/);
    }
  });
});
