/** The step that closes the SIEM's ports, with a fake `systemctl` and a fake `nft`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { movedScripts } from "../support/scripts";

describe("firewall.sh", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-firewall-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const path = (name: string) => join(folder, "etc", name);
  const RULES = "dhis2-siem-firewall.nft";
  const UNIT = "systemd/system/dhis2-siem-firewall.service";

  /** Runs the step; `loaded` and `active` say what nft and systemd answer. */
  function run(action: string, { rules = "rules", loaded = true, active = true, more = "" } = {}) {
    const moved = movedScripts(folder, "lib", "packages", "firewall").replaceAll("/etc/", `${folder}/etc/`);
    const script = `set -euo pipefail
      ${moved}
      chown() { :; }; hostname() { echo siem; }
      need_packages() { echo "need $*"; }
      systemctl() { echo "systemctl $*"; [ "$1" != is-active ] || ${active}; }
      nft() { echo "nft $*"; [ "$1" != list ] || ${loaded}; }
      file_firewall() { echo ${rules}; }
      ${more}
      main ${action}`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    const did = stdout.split("\n").filter((line) => /^(systemctl|nft|need) /.test(line));
    return { status, said: stderr.trim(), did: did.map((line) => line.replaceAll(folder, "")) };
  }
  const LOAD = "systemctl reload-or-restart dhis2-siem-firewall";

  it("installs nftables, checks the rules, and loads them in a unit that starts before the servers", () => {
    const { status, did } = run("apply");
    assert.equal(status, 0);
    assert.equal(did[0], "need nftables");
    const checked = did.indexOf(`nft -c -f /etc/${RULES}`);
    assert.ok(checked > 0 && checked < did.indexOf(LOAD));
    assert.ok(did.includes("systemctl enable -q dhis2-siem-firewall"));
    assert.equal(readFileSync(path(RULES), "utf8"), "rules\n");
    const unit = readFileSync(path(UNIT), "utf8").replaceAll(folder, "");
    for (const line of [
      "Before=elasticsearch.service kibana.service",
      `ExecStart=/usr/sbin/nft -f /etc/${RULES}`,
      `ExecReload=/usr/sbin/nft -f /etc/${RULES}`,
      "ExecStop=-/usr/sbin/nft delete table inet dhis2_siem",
      "PartOf=nftables.service",
      "ReloadPropagatedFrom=nftables.service",
      "WantedBy=multi-user.target",
    ])
      assert.ok(unit.split("\n").includes(line), line);
  });

  it("touches no rule of anybody else, whatever it does", () => {
    const all = [run("apply"), run("apply", { rules: "other" }), run("delete")].flatMap(({ did }) => did);
    assert.deepEqual(
      all.filter((line) => /flush|nft (add|insert|delete)/.test(line)),
      ["nft delete table inet dhis2_siem"],
    );
  });

  it("loads nothing again that is loaded, but what is new or was lost", () => {
    run("apply");
    assert.ok(!run("apply").did.includes(LOAD));
    assert.ok(run("apply", { rules: "other" }).did.includes(LOAD), "another address");
    assert.ok(
      run("apply", { rules: "other", loaded: false }).did.includes(LOAD),
      "somebody flushed the rules",
    );
    assert.ok(run("apply", { rules: "other", active: false }).did.includes(LOAD), "the unit is stopped");
  });

  it("fails with a reason where nft refuses the rules, before anything is loaded", () => {
    const refuses = 'nft() { [ "$1" != -c ] || { echo "line 3: syntax error" >&2; return 1; }; }';
    const { status, said, did } = run("apply", { more: refuses });
    assert.equal(status, 1);
    assert.match(said, /nft in siem refuses the rules for the SIEM's ports: line 3: syntax error/);
    assert.ok(!did.includes(LOAD));
  });

  it("leaves nothing when it is deleted, and has nothing to do a second time", () => {
    run("apply");
    const { status, did } = run("delete");
    assert.equal(status, 0);
    assert.ok(did.includes("systemctl disable -q --now dhis2-siem-firewall"));
    assert.equal(did.at(-1), "nft delete table inet dhis2_siem");
    for (const file of [RULES, UNIT]) assert.ok(!existsSync(path(file)), file);
    const again = run("delete", { loaded: false });
    assert.deepEqual([again.status, again.did.at(-1)], [0, "systemctl daemon-reload"]);
  });
});
