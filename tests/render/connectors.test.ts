import assert from "node:assert/strict";
import { deliverySchema } from "../../config/delivery";
import { loadDetections } from "../../detections";
import { renderConnectorAction } from "../../render/connectors";

describe("what Kibana's connectors tell", () => {
  const detection = loadDetections()[0] ?? assert.fail();
  const told = (settings: object) => {
    const { destinations } = deliverySchema.parse({ destinations: [{ name: "a", ...settings }] });
    return renderConnectorAction(destinations[0] ?? assert.fail(), detection).match(/\{\{.*?\}\}/g);
  };

  it("has the events, and in Teams, for which Kibana escapes nothing, no word of theirs", () => {
    const events = [
      "{{#context.hits}}",
      "{{_source.@timestamp}}",
      "{{_source.message}}",
      "{{/context.hits}}",
    ];
    const all = ["{{alert.id}}", "{{context.value}}", ...events, "{{context.link}}"];
    assert.deepEqual(told({ type: "slack" }), all);
    assert.deepEqual(told({ type: "teams" }), ["{{context.value}}", "{{context.link}}"]);
  });
});
