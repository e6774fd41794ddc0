import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  FIREWALL_TABLE,
  FIREWALL_UNIT,
  HEALTH_UNIT,
  isAlertIndex,
  isDataStream,
  RELAY_UNIT,
} from "../../core/names";
import { alertIndexName, CANARY_ALERT, dataStreamName } from "../../core/names";
import { ROOT } from "../../core/root";

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

describe("names that stand in a script, too", () => {
  for (const [file, line] of [
    ["scripts/relay.sh", `RELAY=${RELAY_UNIT}`],
    ["scripts/relay-start.sh", `RELAY=${RELAY_UNIT}`],
    ["scripts/firewall.sh", `FIREWALL=${FIREWALL_UNIT}`],
    ["scripts/firewall.sh", `FIREWALL_TABLE="inet ${FIREWALL_TABLE}"`],
    ["commands/verify/inside.sh", `inet ${FIREWALL_TABLE} `],
    ["scripts/health.sh", `HEALTH=${HEALTH_UNIT}`],
    ["scripts/health-report.sh", `"appname":"${HEALTH_UNIT}"`],
    ["commands/verify/inside.sh", `kibana ${RELAY_UNIT};`],
    ["detections/rules/siem_canary.yml", CANARY_ALERT],
  ] as const) {
    it(`are the same: ${line} in ${file}`, () => assert.ok(read(file).includes(line)));
  }
});

describe("the names of a namespace", () => {
  it("are known for what they are", () => {
    assert.ok(isDataStream(dataStreamName("default")) && !isDataStream(alertIndexName("default")));
    assert.ok(isAlertIndex(alertIndexName("default")) && !isAlertIndex(dataStreamName("default")));
  });
});
