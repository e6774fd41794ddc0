import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificate } from "../relay/destinations";
import { movedScripts } from "../support/scripts";

const SCRIPT = join(__dirname, "../../scripts/health-report.sh");

describe("the health report", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-health-"))));
  after(() => rmSync(folder, { recursive: true }));

  const report = (paths: string[], script = SCRIPT) =>
    execFileSync("bash", [script, ...paths], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${folder}:${process.env.PATH ?? ""}` },
    })
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("says of each path how full its disk is, as Elasticsearch counts", () => {
    writeFileSync(join(folder, "df"), "#!/bin/sh\nprintf '1B-blocks Avail\\n 1000 70\\n'\n");
    chmodSync(join(folder, "df"), 0o755);
    const line = { check: "disk", used_percent: 93 };
    assert.deepEqual(report(["/", "/var"]), [
      { ...line, path: "/" },
      { ...line, path: "/var" },
    ]);
  });

  it("says of a certificate how much of its time is over", () => {
    const day = 24 * 60 * 60_000;
    // As openssl writes it: "Nov  4 20:16:00 2026 GMT".
    const at = (days: number) => {
      const [, date, month, year, time] = new Date(Date.now() + days * day).toUTCString().split(" ");
      return `${month} ${Number(date)} ${time} ${year} GMT`;
    };
    const openssl = join(folder, "openssl");
    writeFileSync(openssl, `#!/bin/sh\nprintf 'notBefore=${at(-784)}\nnotAfter=${at(41)}\n'\n`);
    chmodSync(openssl, 0o755);
    const path = "/etc/elasticsearch/certs/server.crt";
    assert.deepEqual(report([path]), [{ check: "certificate", path, used_percent: 95 }]);
    rmSync(openssl);
  });

  it("reads a real certificate, and fails after the disks where it cannot", () => {
    const path = join(folder, "new.crt");
    writeFileSync(path, certificate().cert);
    assert.deepEqual(report([path]), [{ check: "certificate", path, used_percent: 0 }]);
    const { status, stdout, stderr } = spawnSync("bash", [SCRIPT, "/", join(folder, "none.crt")], {
      encoding: "utf8",
    });
    assert.equal(status, 1);
    assert.match(stdout, /^{"check":"disk","path":"\/","used_percent":\d+}\n$/);
    assert.match(stderr, /none\.crt/);
  });

  it("sends the same line to Elasticsearch where there is a way, as one document, with curl's settings from a file", () => {
    const settings = join(folder, "health.curl");
    writeFileSync(settings, "");
    const sent = join(folder, "sent");
    writeFileSync(join(folder, "curl"), `#!/bin/sh\ncat >${sent}\nprintf '%s\\n' "$*" >${sent}.args\n`);
    chmodSync(join(folder, "curl"), 0o755);
    const script = join(folder, "report.sh");
    writeFileSync(
      script,
      readFileSync(SCRIPT, "utf8").replace(
        "CURL_SETTINGS=/etc/dhis2-siem/health.curl",
        `CURL_SETTINGS=${settings}`,
      ),
    );
    const [line] = report(["/"], script);
    const document = JSON.parse(readFileSync(sent, "utf8")) as Record<string, unknown>;
    assert.deepEqual(JSON.parse(String(document.message)), line);
    assert.deepEqual(document.log, { syslog: { appname: "dhis2-siem-health" } });
    assert.ok(Math.abs(Date.parse(String(document["@timestamp"])) - Date.now()) < 60_000);
    assert.match(readFileSync(`${sent}.args`, "utf8"), new RegExp(`-K ${settings}`));
  });

  it("has its way, with the key in it, for root alone", () => {
    const moved = movedScripts(folder, "lib", "health").replaceAll("/etc/dhis2-siem", `${folder}/way`);
    const key = "chown() { :; }; file_ca() { echo PEM; }; secret_api_key() { echo id:key; }";
    const bash = `${moved}\numask 022; DATA_STREAM=logs-x; ${key}; configure_health_sending`;
    const { stdout, stderr } = spawnSync("bash", ["-c", `set -euo pipefail\n${bash}`], { encoding: "utf8" });
    assert.deepEqual([stdout, stderr], ["", ""]);
    const mode = (path: string) => (statSync(join(folder, path)).mode & 0o777).toString(8);
    assert.deepEqual(["way", "way/health.curl"].map(mode), ["700", "600"]);
    const header = `Authorization: ApiKey ${Buffer.from("id:key").toString("base64")}`;
    assert.ok(readFileSync(join(folder, "way/health.curl"), "utf8").includes(`header = "${header}"\n`));
  });
});
