import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { deliverySchema, type Delivery } from "../../config/delivery";
import { printPath } from "../../core/problem";
import { loadDetections } from "../../detections";
import { watchesSilence } from "../../detections/detection";
import { forSite, unknownRules } from "../../detections/settings";
import { renderRelayConfig, renderRelayRules, ruleIds } from "../../render/relay";
import { loadRelayFiles } from "../../relay";
import { matchesSnapshot } from "../support/snapshot";

const TARGET = {
  fqdn: "dhis2.example.org",
  timezone: "Africa/Accra",
  kibanaUrl: "https://dhis2.example.org/siem",
  alertIndex: "alerts-dhis2-default",
  alertsView: "alerts-dhis2-default",
  siemAddress: "10.0.3.200",
  stateIndex: "dhis2-siem-relay",
};
const all = loadDetections().detections;
const detections = forSite(all, [
  { name: "dhis", type: "dhis2" },
  { name: "proxy", type: "nginx_proxy" },
]);

const delivery = (...destinations: object[]): Delivery => deliverySchema.parse({ destinations });

const EVERY = delivery(
  {
    ...{ name: "mail", type: "email", host: "smtp.example.org", user: "siem", severities: "high" },
    ...{ from: "siem@example.org", to: ["a@example.org", "b@example.org"], group: 10 },
    quietHours: [
      { from: "00:00", to: "06:00" },
      { from: "22:00", to: "24:00" },
    ],
  },
  {
    ...{ name: "smtps", type: "email", host: "smtp.example.org" },
    ...{ tls: "smtps", from: "a@b.org", to: "c@d.org" },
  },
  { name: "slack", type: "slack" },
  { name: "teams", type: "teams" },
  { name: "telegram", type: "telegram", chat: -100123 },
  {
    name: "soar",
    type: "webhook",
    url: "https://soar.example.org/x",
    headers: { "X-Site": "a" },
    rules: [all[0]?.id],
  },
);

describe("the relay's files", () => {
  it("are these", () => {
    const files = { config: renderRelayConfig(TARGET), ...renderRelayRules(EVERY, TARGET, detections) };
    const text = Object.entries(files).map(([name, file]) => `== ${name}\n${file}`);
    matchesSnapshot(join(__dirname, "relay.snap"), text.join("\n"));
  });

  it("hold one alerter each, as ElastAlert takes an alert for sent when any of several took it", () => {
    for (const rule of Object.values(renderRelayRules(EVERY, TARGET, detections)))
      assert.equal((parse(rule) as { alert: string[] }).alert.length, 1);
  });

  it("have those told that the SIEM is blind who are told everything critical, and all where nobody is", () => {
    const hook = { name: "hook", type: "webhook", url: "https://a.org/" };
    const some = { ...hook, name: "some", rules: [all[0]?.name] };
    const low = { ...hook, name: "low", severities: ["low"] };
    const told = (...destinations: object[]) =>
      Object.entries(renderRelayRules(delivery(...destinations), TARGET, detections))
        .filter(([, text]) => (parse(text) as { relay: { reports_outages: boolean } }).relay.reports_outages)
        .map(([name]) => name);
    assert.deepEqual(told(hook, some, low, { ...hook, name: "high", severities: "high" }), ["hook", "high"]);
    assert.deepEqual(told(some, low), ["some", "low"]);
  });

  it("name a detection's rules by its id or its name, all of those that watch a container each", () => {
    const [first] = all;
    assert.ok(first);
    assert.deepEqual(ruleIds([first.name], detections), ruleIds([first.id], detections));
    const silent = all.find(watchesSilence);
    assert.ok(silent);
    const ids = detections.filter(({ origin }) => origin === silent.id).map(({ id }) => id);
    assert.ok(ids.length > 0);
    assert.deepEqual(ruleIds([silent.id], detections), ids);
    assert.deepEqual(ruleIds([silent.name], detections), ids);
  });

  it("are refused where a rule does not exist, with the key", () => {
    const hook = { name: "hook", type: "webhook", url: "https://a.org/" };
    const wrong = delivery(hook, { ...hook, name: "other", rules: [all[0]?.name, "no-such-rule"] });
    assert.deepEqual(
      unknownRules(wrong, detections).map(({ path, message }) => `${printPath(path)} ${message}`),
      [
        'delivery.destinations[1].rules[1] must be the name or id of a detection, not "no-such-rule"; npm run -s detections -- list shows them',
      ],
    );
    assert.deepEqual(unknownRules(EVERY, detections), []);
  });
});

describe("the relay's packages", () => {
  it("are each pinned with their hashes, and built by one that is pinned too", () => {
    const { requirements } = loadRelayFiles();
    const packages = requirements.split(/\n(?=\S)/).filter((block) => !block.startsWith("#"));
    assert.ok(packages.length > 30);
    for (const block of packages)
      assert.match(block, /^[a-z0-9.-]+==\S+ \\\n( {4}--hash=sha256:[0-9a-f]{64}( \\)?\n?)+$/);
    assert.match(requirements, /^elastalert2==2\.19\.0 /m);
    assert.match(requirements, /^setuptools==/m);
  });
});
