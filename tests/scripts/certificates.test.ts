import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { movedScripts } from "../support/scripts";

describe("the servers' certificate (elastic.sh)", function () {
  // It makes real keys.
  this.timeout(120_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-certificates-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Makes what is missing, and gives it to a server; whether that server's copy is another now. `days`: of the one that is there. */
  function isRenewed(days?: number, address = "10.0.0.2"): boolean {
    const { username, gid } = userInfo();
    const moved = movedScripts(folder, "lib", "request", "elastic").replaceAll(
      '"root:$2"',
      `${username}:${gid}`,
    );
    const shorten = `openssl x509 -in $TLS/server.crt -days ${days} -signkey $TLS/server.key -out $TLS/short 2>/dev/null
      mv $TLS/short $TLS/server.crt
      install_certificates ${folder}/certs ${gid} && CHANGED=()`;
    const bash = `set -euo pipefail
      ${moved}
      NAME=siem ADDRESS=${address}
      begin elastic
      ${days === undefined ? "" : shorten}
      create_certificates
      install_certificates ${folder}/certs ${gid}
      if changed ${folder}/certs/server.crt; then echo renewed; fi
      finish`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", bash], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout.startsWith("renewed\n");
  }

  it("is made anew in its last sixty days, when a rule has begun to ask for it, and so is the servers' copy", () => {
    assert.ok(isRenewed(), "the first one");
    assert.ok(!isRenewed(), "it is there");
    assert.ok(!isRenewed(61));
    // 95 percent of 825 days are over.
    assert.ok(isRenewed(41));
  });

  it("goes into no folder that a link leads to, which the server's user may have put there", () => {
    const [certs, elsewhere] = [join(folder, "certs"), join(folder, "elsewhere")];
    mkdirSync(elsewhere);
    rmSync(certs, { recursive: true, force: true });
    symlinkSync(elsewhere, certs);
    isRenewed();
    assert.deepEqual(readdirSync(elsewhere), []);
    assert.ok(lstatSync(certs).isDirectory() && existsSync(join(certs, "server.key")));
  });

  it("goes into a folder that is root's before anything is in it", () => {
    const certs = join(folder, "new-certs");
    const moved = movedScripts(folder, "lib", "request", "elastic");
    const bash = `set -euo pipefail
      ${moved}
      chown() { echo "$1"; }; put_file() { stat -c %a ${certs}; ls ${certs}; exit; }; TLS=${folder}/state/tls
      install_certificates ${certs} kibana`;
    assert.equal(spawnSync("bash", ["-c", bash], { encoding: "utf8" }).stdout, "root:kibana\n750\n");
  });

  it("is made anew for another address, by the same authority, and its key is for the server alone", () => {
    const authority = () => readFileSync(join(folder, "state/tls/ca.crt"), "utf8");
    const before = authority();
    assert.ok(isRenewed(undefined, "10.0.0.3"));
    assert.ok(!isRenewed(undefined, "10.0.0.3"));
    assert.equal(authority(), before);
    const mode = (path: string) => (statSync(join(folder, path)).mode & 0o777).toString(8);
    assert.deepEqual(["state/tls", "certs", "certs/server.key"].map(mode), ["700", "750", "640"]);
  });
});
