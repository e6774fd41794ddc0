import assert from "node:assert/strict";
import { readState } from "../../../commands/verify/state";
import { exportedStack } from "./samples-state";

describe("the stack's state, as verify reads it", () => {
  it("says what the stack did", () => {
    const state = readState(exportedStack());
    assert.deepEqual(state.containers, {
      dhis: { uuids: ["u-dhis", "u-dhis"], files: { "/etc/filebeat/filebeat.yml": "aa" } },
      siem: { uuids: ["u-siem", "u-siem"], files: { "/etc/kibana/kibana.yml": "bb" } },
    });
    assert.deepEqual(
      state.keys.map(({ name, id, container }) => [name, id, container]),
      [["dhis2-siem-agent-dhis", "id-dhis", "dhis"]],
    );
    assert.deepEqual(
      state.rules.map(({ id, name }) => [id, name]),
      [["r1", "A rule"]],
    );
    const { pipeline, retention } = state.template ?? {};
    assert.deepEqual([pipeline, retention], ["dhis2-siem-default-logs", "90d"]);
    assert.match(state.streamStep, /::command:remote:Command::logs-stream$/);
    assert.deepEqual([state.ca, state.elasticPassword, state.delivers], ["PEM\n", "s3cret", false]);
    assert.deepEqual([state.dataStream, state.alertIndex], ["logs-dhis2-default", "alerts-dhis2-default"]);
  });

  it("says whether the stack delivers", () => {
    assert.equal(readState(exportedStack({ relay: true })).delivers, true);
  });

  it("is refused before the first update, with nothing of it in the message", () => {
    for (const text of ['{"deployment":null}', '{"deployment":{}}', '{"deployment":{"resources":[]}}'])
      assert.throws(() => readState(text), /^Error: this stack has not been brought up yet/);
  });
});
