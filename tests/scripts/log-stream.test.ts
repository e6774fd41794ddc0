import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "../../render/bundle";
import { type Answers, curlAnswering } from "../support/curl";
import { movedScripts } from "../support/scripts";

const LIFECYCLE = "PUT /_data_stream/logs-x/_lifecycle";
const ROLLOVER = "POST /logs-x/_rollover";
const GOOD: Answers = { [LIFECYCLE]: [200, "{}"], [ROLLOVER]: [200, "{}"] };
const NONE: Answers = { [LIFECYCLE]: [404, "no such index"], [ROLLOVER]: [404, "no such index"] };

describe("the log stream's step (log-stream.sh)", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-stream-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs it where curl is Elasticsearch's answers; gives what was asked, with the bodies. */
  function apply(answers: Answers, values: Record<string, string> = {}) {
    const all = { DATA_STREAM: "logs-x", RETENTION: "30d", TEMPLATE: "one", GENERATION: "1", ...values };
    const moved = movedScripts(folder, "lib", "request", "log-stream");
    const asked = join(folder, "asked");
    const bash = `set -euo pipefail
      ${Object.entries(all)
        .map(([name, value]) => `${name}=${quote(value)}`)
        .join("\n")}
      mkdir -p ${folder}/state/secrets; echo the-password >${folder}/state/secrets/elastic
      ${moved}
      ${curlAnswering(answers, asked)}
      main apply`;
    rmSync(asked, { force: true });
    const { status, stderr } = spawnSync("bash", ["-c", bash], { encoding: "utf8" });
    return { status, stderr, asked: readFileSync(asked, "utf8").trim().split("\n") };
  }

  it("sets the retention of what is there, and begins an index once for each template", () => {
    const retained = `${LIFECYCLE} {"data_retention":"30d"}`;
    assert.deepEqual(apply(GOOD).asked, [retained, ROLLOVER]);
    assert.deepEqual(apply(GOOD).asked, [retained]);
    assert.deepEqual(apply(GOOD, { TEMPLATE: "two" }).asked, [retained, ROLLOVER]);
  });

  it("leaves it to the template where there is no stream yet, and to the next one where it changes", () => {
    const first = apply(NONE);
    assert.deepEqual([first.status, first.stderr], [0, ""]);
    assert.deepEqual(apply(GOOD).asked.length, 1, "the stream was made by this template");
    assert.deepEqual(apply(GOOD, { TEMPLATE: "two" }).asked.length, 2);
  });

  it("fails with Elasticsearch's words, and goes on in the next run", () => {
    const refused = apply({ ...GOOD, [ROLLOVER]: [503, "no master"] });
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /siem: error: logs-x cannot continue in a new index: Elasticsearch answers 503: no master/,
    );
    assert.equal(apply(GOOD).asked.length, 2);
    assert.match(
      apply({ ...GOOD, [LIFECYCLE]: [403, "unauthorized"] }).stderr,
      /the retention of logs-x cannot be set: Elasticsearch answers 403: unauthorized/,
    );
  });

  it("fails with curl's words where Elasticsearch does not answer", () => {
    const { status, stderr } = apply({ [LIFECYCLE]: [200, "{}"] });
    assert.equal(status, 1);
    assert.match(stderr, /cannot continue in a new index: Elasticsearch does not answer: curl: \(7\)/);
  });

  it("says where an Elasticsearch has no such thing", () => {
    const answer = "no handler found for uri [/_data_stream/logs-x/_lifecycle] and method [PUT]";
    const { status, stderr } = apply({ ...GOOD, [LIFECYCLE]: [400, answer] });
    assert.equal(status, 0);
    assert.match(stderr, /has no lifecycle of data streams/);
  });
});
