import assert from "node:assert/strict";
import { type Destination, deliverySchema } from "../../config/delivery";
import { loadDetections } from "../../detections";
import { getsAlertsOf, renderConnector, renderConnectorAction } from "../../render/connectors";

const MAIL = {
  name: "m",
  type: "email",
  host: "smtp.example.org",
  from: "s@example.org",
  to: "d@example.org",
};
const HOOK = { name: "h", type: "webhook" };

function destination(given: object): Destination {
  const [one] = deliverySchema.parse({ destinations: [given] }).destinations;
  return one ?? assert.fail();
}

/** The connector's settings and secrets, as values. */
function rendered(given: object, secret: string) {
  const { config = "{}", secrets } = renderConnector(destination(given), secret);
  return { config: JSON.parse(config) as Record<string, unknown>, secrets: JSON.parse(secrets) as object };
}

describe("a destination's connector", () => {
  it("mails over TLS from the first byte, with the login where there is one", () => {
    const { config, secrets } = rendered({ ...MAIL, tls: "smtps", user: "siem" }, "pw");
    assert.deepEqual([config.secure, config.port, config.hasAuth], [true, 465, true]);
    assert.deepEqual(secrets, { user: "siem", password: "pw" });
    assert.deepEqual(rendered({ ...MAIL, tls: "smtps" }, "").secrets, {});
  });

  it("posts to a URL with its secret as a login, or to a secret URL without one", () => {
    const url = "https://soar.example.org/hook";
    const json = { "Content-Type": "application/json" };
    const open = rendered({ ...HOOK, url, headers: { X: "1" } }, "Bearer b").config;
    assert.deepEqual([open.url, open.headers], [url, { ...json, X: "1", Authorization: "Bearer b" }]);
    const hidden = rendered(HOOK, url).config;
    assert.deepEqual([hidden.url, hidden.headers], [url, json]);
  });

  it("is for the rules and the severities that are meant, and for both at once", () => {
    const [detection] = loadDetections().detections.filter(({ severity }) => severity === "high");
    assert.ok(detection);
    const meant = (more: object) => getsAlertsOf(destination({ ...HOOK, ...more }), detection);
    assert.ok(meant({}) && meant({ rules: [detection.id], severities: "high" }));
    assert.ok(!meant({ rules: ["another"] }));
    assert.ok(!meant({ rules: [detection.name], severities: "critical" }));
  });

  it("tells the events, but in Teams, for which Kibana escapes nothing, no word of theirs", () => {
    const detection = loadDetections().detections[0] ?? assert.fail();
    const told = (type: string) =>
      renderConnectorAction(destination({ name: "a", type }), detection).match(/\{\{.*?\}\}/g);
    const events = [
      "{{#context.hits}}",
      "{{_source.@timestamp}}",
      "{{_source.message}}",
      "{{/context.hits}}",
    ];
    assert.deepEqual(told("slack"), ["{{alert.id}}", "{{context.value}}", ...events, "{{context.link}}"]);
    assert.deepEqual(told("teams"), ["{{context.value}}", "{{context.link}}"]);
  });
});

describe("a connector's config, which Elastic's provider 0.11.17 compares with what it reads back", () => {
  it("is left out where it reads none, of Slack and Teams", () => {
    for (const type of ["slack", "teams"]) {
      const { config, secrets } = renderConnector(destination({ name: "a", type }), "https://x.org/?a=1&b=2");
      assert.equal(config, undefined, type);
      assert.match(secrets, /a=1&b=2/);
    }
  });

  it("is a webhook's letter by letter as Go writes it", () => {
    const url = "https://soar.example.org/in?a=1&b=<2>";
    const { config } = renderConnector(destination({ ...HOOK, url }), "");
    assert.equal(
      config,
      String.raw`{"hasAuth":false,"headers":{"Content-Type":"application/json"},"method":"post","url":"https://soar.example.org/in?a=1\u0026b=\u003c2\u003e"}`,
    );
    assert.equal((JSON.parse(config) as { url: string }).url, url);
  });
});
