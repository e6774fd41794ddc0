import assert from "node:assert/strict";
import type { Json } from "../../core/json";
import { parseStack } from "../../config/load";
import { printProblem } from "../../core/problem";
import { EXAMPLE_CONFIG } from "../../commands/graph";

const MAIL = {
  name: "mail",
  type: "email",
  host: "smtp.example.org",
  from: "siem@example.org",
  to: "duty@example.org",
};
const HOOK = { name: "hook", type: "webhook", url: "https://soar.example.org/hook" };

function parsed(destinations: unknown, secrets: Json = {}, encrypted = true) {
  const values = {
    ...EXAMPLE_CONFIG,
    site: "site.json",
    delivery: JSON.stringify({ destinations }),
    ...(Object.keys(secrets).length > 0 && { deliverySecrets: JSON.stringify(secrets) }),
  };
  return parseStack(values, () => encrypted, "Pulumi.prod.yaml");
}

/** Returns the problems of destinations whose secrets can be decrypted. */
function problems(destinations: unknown, secrets: Json = {}): string[] {
  const values = {
    ...EXAMPLE_CONFIG,
    site: "site.json",
    delivery: JSON.stringify({ destinations }),
    deliverySecrets: JSON.stringify(secrets),
  };
  const result = parseStack(values, (key) => key === "deliverySecrets", "Pulumi.prod.yaml");
  const lines = result.ok ? [] : result.problems.map(printProblem);
  return lines.map((line) => line.replace("Pulumi.prod.yaml: dhis2-siem:", ""));
}

const AT = "delivery.destinations[0]";
const SET = "set it with: pulumi config set --secret --path 'deliverySecrets";
const NIGHT =
  'must be later than from; for a night, write {from: "22:00", to: "24:00"} and {from: "00:00", to: "06:00"}';

/** A destination with one fault, and the expected problems. */
const FAULTS: readonly (readonly [given: Json, ...expected: string[]])[] = [
  [{ ...HOOK, type: "pager" }, `${AT}.type must be one of email, slack, teams, telegram, webhook`],
  [{ ...HOOK, type: undefined }, `${AT}.type must be one of email, slack, teams, telegram, webhook`],
  [
    { ...HOOK, name: "The Hook" },
    `${AT}.name must be a name of lower-case letters, digits and hyphens, such as duty (63 at most, first a letter, last no hyphen)`,
  ],
  [{ ...MAIL, to: ["duty"] }, `${AT}.to[0] must be an e-mail address, such as duty@example.org`],
  [{ ...MAIL, to: [] }, `${AT}.to must name who gets the alerts, such as [duty@example.org]`],
  [{ ...MAIL, from: "x y@z" }, `${AT}.from must be an e-mail address, such as duty@example.org`],
  [
    { ...MAIL, host: "smtp://x" },
    `${AT}.host must be a host name or an IP address, such as server.example.org`,
  ],
  [{ ...MAIL, port: 0 }, `${AT}.port must be a whole number from 1 to 65535`],
  [{ ...MAIL, tls: "none" }, `${AT}.tls must be one of starttls, smtps`],
  [
    { ...MAIL, ca: "x" },
    `${AT}.ca must be a CA's certificate in PEM, which begins with -----BEGIN CERTIFICATE-----`,
  ],
  [{ ...MAIL, user: "siem" }, `${AT} must have a secret, its user's password; ${SET}.mail'`],
  [
    { ...HOOK, url: "soar.example.org" },
    `${AT}.url must be a URL without a login, such as https://soar.example.org/hook`,
  ],
  [
    { ...HOOK, url: "https://a b" },
    `${AT}.url must be a URL without a login, such as https://soar.example.org/hook`,
  ],
  [
    { ...HOOK, url: "https://u:p@x/" },
    `${AT}.url must be a URL without a login, such as https://soar.example.org/hook`,
  ],
  [{ ...HOOK, headers: { "X Y": "" } }, `${AT}.headers.X Y must be the name of a header, such as X-Site`],
  [
    { ...HOOK, headers: { X: "a\nb" } },
    `${AT}.headers.X must be a header's value: one line of ASCII characters, such as hmis`,
  ],
  [{ ...HOOK, url: undefined }, `${AT} must have a secret, its URL (or set url); ${SET}.hook'`],
  [{ name: "s", type: "slack" }, `${AT} must have a secret, its webhook's URL; ${SET}.s'`],
  [{ name: "t", type: "telegram", chat: "-100123" }, `${AT} must have a secret, its bot's token; ${SET}.t'`],
  [
    { name: "t", type: "telegram", chat: "me" },
    `${AT}.chat must be a chat's id or a channel in quotes, such as "-1001234567890" or "@channel"`,
  ],
  [
    { ...HOOK, severities: "hgih" },
    `${AT}.severities[0] must be one of informational, low, medium, high, critical; did you mean "high"?`,
  ],
  [
    { ...HOOK, severities: [] },
    `${AT}.severities must name a severity, such as high; leave it out for all severities`,
  ],
  [
    { ...HOOK, rules: [] },
    `${AT}.rules must name a detection, such as dhis2_impersonation; leave it out for all detections`,
  ],
  [{ ...HOOK, group: -1 }, `${AT}.group must be a whole number from 0 to 1440`],
  [{ ...HOOK, quietHours: { from: "22:00", to: "06:00" } }, `${AT}.quietHours[0].to ${NIGHT}`],
  [
    { ...HOOK, quietHours: [{ from: "06:00", to: "06:00" }] },
    `${AT}.quietHours[0].to must be later than from`,
  ],
  [
    { ...HOOK, quietHours: [{ from: "22:00", to: "25:00" }] },
    `${AT}.quietHours[0].to must be a time of day in quotes, such as "22:00"`,
  ],
  [
    { ...MAIL, tsl: "smtps" },
    `${AT}.tsl is not a known key; did you mean "tls"? Known keys: api, ca, chat, from, group, headers, host, name, port, quietHours, rules, severities, tls, to, type, url, user`,
  ],
];

describe("the config of delivery", () => {
  for (const [given, ...expected] of FAULTS) {
    it(`says what is wrong: ${expected.join("; ").slice(0, 100)}`, () =>
      assert.deepEqual(problems([given]), expected));
  }

  it("refuses doubled names, and secrets of nobody or of the wrong form, without showing them", () => {
    assert.deepEqual(problems([HOOK, { ...MAIL, name: "hook" }]), [
      'delivery.destinations[1].name must be unique; "hook" is already the name of destinations[0]',
    ]);
    assert.deepEqual(problems([HOOK], { hok: "x" }), [
      'deliverySecrets.hok is not the name of a destination; did you mean "hook"? Destinations: hook',
    ]);
    assert.deepEqual(problems([{ name: "s", type: "slack" }], { s: "http://hooks.example.org/x" }), [
      "deliverySecrets.s must be the URL of a webhook, such as https://soar.example.org/hook",
    ]);
    const bare = { name: "b", type: "webhook" };
    assert.deepEqual(problems([bare], { b: "https://soar.example.org" }), []);
    assert.deepEqual(problems([bare], { b: "https:///hook" }), [
      "deliverySecrets.b must be the URL of a webhook, such as https://soar.example.org/hook",
    ]);
    assert.deepEqual(problems([{ name: "t", type: "telegram", chat: "@room1" }], { t: "hunter2" }), [
      "deliverySecrets.t must be a bot token, such as 123456:ABC-DEF",
    ]);
    // The second line would be a header of its own.
    assert.deepEqual(problems([HOOK], { hook: "Bearer x\nHost: y" }), [
      "deliverySecrets.hook must be one line of text, such as a password",
    ]);
    assert.deepEqual(problems([MAIL], { mail: "hunter2" }), [
      `${AT}.user must be set, because deliverySecrets.mail is its password; or remove that secret`,
    ]);
  });

  it("refuses what Kibana's connectors cannot do", () => {
    const connectorProblems = (...destinations: Json[]) => {
      const delivery = JSON.stringify({ via: "connectors", destinations });
      const result = parseStack({ ...EXAMPLE_CONFIG, site: "site.json", delivery }, () => false, "f");
      return result.ok ? [] : result.problems.map(({ path, message }) => `${path} ${message}`);
    };
    const quietHours = { from: "00:00", to: "06:00" };
    const tls =
      "tls must be smtps, because Kibana's connectors send without TLS if STARTTLS is removed on the way; or set delivery.via to relay";
    assert.deepEqual(
      connectorProblems({ ...HOOK, quietHours }, MAIL, { ...MAIL, name: "other", tls: "starttls" }),
      [
        "dhis2-siem:delivery.destinations[0].quietHours must not be set, because Kibana's connectors cannot hold alerts back; remove it, or set delivery.via to relay",
        `dhis2-siem:delivery.destinations[1].${tls}`,
        `dhis2-siem:delivery.destinations[2].${tls}`,
      ],
    );
    assert.deepEqual(connectorProblems(HOOK, { ...MAIL, tls: "smtps" }), []);
  });

  it("refuses secrets that are not encrypted", () => {
    const result = parsed([HOOK], { hook: "Bearer x" }, false);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map(({ path, message }) => [path, message]),
      [
        [
          "dhis2-siem:deliverySecrets",
          "must be encrypted; set each secret again with: pulumi config set --secret --path 'deliverySecrets.NAME'",
        ],
      ],
    );
  });

  it("takes secrets that cannot be read here for given", () => {
    assert.ok(parsed([{ name: "s", type: "slack" }]).ok);
  });

  it("fills in what is left out, and takes one for a list of one", () => {
    const result = parsed([
      { ...MAIL, severities: "high", quietHours: { from: "22:00", to: "24:00" } },
      { name: "s", type: "slack", group: "10" },
    ]);
    assert.ok(result.ok);
    const { via, destinations } = result.value.options.delivery;
    assert.equal(via, "relay");
    assert.deepEqual(destinations[0], {
      ...MAIL,
      to: ["duty@example.org"],
      tls: "starttls",
      severities: ["high", "critical"],
      quietHours: [{ from: 1320, to: 1440 }],
      group: 5,
    });
    assert.deepEqual(destinations[1]?.severities, ["informational", "low", "medium", "high", "critical"]);
    assert.equal(destinations[1]?.group, 10);
  });
});
