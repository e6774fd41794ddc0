/** The disk limit of the SIEM's container, with a fake `lxc`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "../../render/bundle";
import { movedScripts } from "../support/scripts";

describe("the disk's limit (container.sh)", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-disk-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs some bash after the scripts of the container's step. */
  function run(bash: string) {
    const moved = movedScripts(folder, "lib", "lxd", "container");
    return spawnSync("bash", ["-c", `set -euo pipefail\n${moved}\nRETRY=""\n${bash}`], { encoding: "utf8" });
  }

  /** What limit_disk changes of a container whose own root device has this size (undefined: it is a profile's). */
  const changes = (
    disk: string,
    size: string | undefined,
    driver = "zfs",
    set = 'echo "lxc $*" >&3',
    { used = "1.5GiB", more = "" } = {},
  ) => {
    const get = size === undefined ? "echo 'Device from profile(s)' >&2; return 1" : `echo ${quote(size)}`;
    const { stdout, stderr, status } = run(
      `lxc() {
        case "$*" in
          *'device get siem root size') ${get} ;;
          *'show siem --expanded') printf 'devices:\\n  root:\\n    path: /\\n    pool: default\\n' ;;
          *'info siem') printf 'Resources:\n  Processes: 3\n  Disk usage:\n    root: ${used}\n  Network usage:\n    root: 9TiB\n' ;;
          'storage show default') printf 'config:\n  source: /pool\ndriver: ${driver}\n' ;;
          *) ${set} ;;
        esac
      }
      findmnt() { return 1; }
      exec 3>&1; LXD_PROJECT=default CONTAINER=siem DISK=${quote(disk)}; ${more}
      limit_disk`,
    );
    assert.equal(status, 0, stderr);
    return { called: stdout.trim(), said: stderr.trim() };
  };
  const nothing = { called: "", said: "" };

  it("goes when it is no longer in the config, and only the container's own", () => {
    assert.deepEqual(changes("", "20GiB"), {
      called: "lxc --project default config device unset siem root size",
      said: "siem: the disk of siem is no longer limited to 20GiB",
    });
    for (const size of ["", undefined]) assert.deepEqual(changes("", size), nothing);
  });

  it("is set where the pool enforces one", () => {
    const set = "lxc --project default config device override siem root size=20GiB";
    for (const size of ["10GiB", "", undefined])
      assert.deepEqual(changes("20GiB", size), { called: set, said: "" });
    assert.deepEqual(changes("20GiB", "20GiB"), nothing);
    assert.deepEqual(changes("20GiB", undefined, "lvm"), { called: set, said: "" });
  });

  it("is not set where the pool cannot enforce it, or LXD says that it cannot", () => {
    const warning = (driver: string) =>
      new RegExp(
        `^siem: warning: the storage pool 'default' \\(${driver}\\) cannot enforce the disk limit 20GiB`,
      );
    const { called, said } = changes("20GiB", undefined, "dir");
    assert.equal(called, "");
    assert.match(said, warning("dir"));
    assert.match(changes("20GiB", undefined, "lvm", "return 1").said, warning("lvm"));
    assert.match(changes("20GiB", "40GiB", "lvm", "return 1").said, /\(the limit is 40GiB\); LXD answers: /);
  });

  it("is set in a folder whose file system has project quotas", () => {
    const set = "lxc --project default config device override siem root size=20GiB";
    const mounted = (options: string) => ({
      more: `findmnt() { [ "$*" != "-n -o OPTIONS -T /pool" ] || echo ${options}; }`,
    });
    for (const options of ["rw,prjquota", "rw,noatime,pquota,attr2"])
      assert.deepEqual(changes("20GiB", undefined, "dir", undefined, mounted(options)), {
        called: set,
        said: "",
      });
    assert.match(changes("20GiB", undefined, "dir", undefined, mounted("rw,noquota")).said, /cannot enforce/);
  });

  it("is not set where it would leave Elasticsearch no room", () => {
    for (const [used, is] of [
      ["17.00GiB", true],
      ["17.50GiB", false],
      ["1TiB", false],
      ["900MiB", true],
      ["", true],
    ] as const) {
      const { called, said } = changes("20GiB", undefined, "btrfs", undefined, { used });
      assert.equal(called !== "", is, used);
      if (!is)
        assert.match(
          said,
          new RegExp(
            `^siem: warning: the disk limit 20GiB is not set, because siem uses ${used} of its disk`,
          ),
        );
    }
  });

  it("leaves a larger disk that a container had when it was taken over", () => {
    const taken = { more: "IS_TAKEN_OVER=1" };
    const larger = changes("50GiB", "0.1TiB", "zfs", undefined, taken);
    assert.equal(larger.called, "");
    assert.match(
      larger.said,
      /^siem: warning: the disk of siem stays as large as it was, 0\.1TiB, not siem\.disk \(50GiB\); set siem\.disk to 0\.1TiB/,
    );
    assert.notEqual(changes("50GiB", "10GiB", "zfs", undefined, taken).called, "");
    assert.notEqual(changes("50GiB", "100GiB").called, "", "the stack's own can be made smaller");
  });
});
