import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

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

  it("sends the same line to Elasticsearch where there is a way, as one document, with curl's settings from a file", () => {
    const settings = join(folder, "health.curl");
    writeFileSync(settings, "");
    const sent = join(folder, "sent");
    writeFileSync(join(folder, "curl"), `#!/bin/sh\ncat >${sent}\nprintf '%s\\n' "$*" >${sent}.args\n`);
    chmodSync(join(folder, "curl"), 0o755);
    const script = join(folder, "report.sh");
    writeFileSync(
      script,
      readFileSync(SCRIPT, "utf8").replace("SEND=/etc/dhis2-siem/health.curl", `SEND=${settings}`),
    );
    const [line] = report(["/"], script);
    const document = JSON.parse(readFileSync(sent, "utf8")) as Record<string, unknown>;
    assert.deepEqual(JSON.parse(String(document.message)), line);
    assert.deepEqual(document.log, { syslog: { appname: "dhis2-siem-health" } });
    assert.ok(Math.abs(Date.parse(String(document["@timestamp"])) - Date.now()) < 60_000);
    assert.match(readFileSync(`${sent}.args`, "utf8"), new RegExp(`-K ${settings}`));
  });
});
