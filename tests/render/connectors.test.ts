import assert from "node:assert/strict";
import { deliverySchema } from "../../config/delivery";
import { loadDetections } from "../../detections";
import { renderConnector, renderConnectorAction } from "../../render/connectors";

describe("Kibana's connectors, as Elastic's provider 0.11.17 compares them with what it reads back", () => {
  const connector = (given: object, secret: string) => {
    const [one] = deliverySchema.parse({
      via: "connectors",
      destinations: [{ name: "one", ...given }],
    }).destinations;
    assert(one);
    return renderConnector(one, secret);
  };

  it("have no config where Kibana has none: of Slack and Teams it reads none", () => {
    for (const type of ["slack", "teams"]) {
      const rendered = connector({ type }, "https://chat.example.org/hook?a=1&b=2");
      assert.equal(rendered.config, undefined, type);
      assert.match(rendered.secrets, /a=1&b=2/);
    }
  });

  it("have a webhook's config letter by letter as Go writes it", () => {
    const url = "https://soar.example.org/in?a=1&b=<2>";
    const { config = "" } = connector({ type: "webhook", url }, "");
    assert.deepEqual((JSON.parse(config) as { url: string }).url, url);
    assert.equal(
      config,
      String.raw`{"hasAuth":false,"headers":{"Content-Type":"application/json"},"method":"post","url":"https://soar.example.org/in?a=1\u0026b=\u003c2\u003e"}`,
    );
  });
});

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
