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

/** With secrets that can be read, though there may be none. */
function problems(destinations: unknown, secrets: Json = {}): string[] {
  const values = {
    ...EXAMPLE_CONFIG,
    site: "site.json",
    delivery: JSON.stringify({ destinations }),
    deliverySecrets: JSON.stringify(secrets),
  };
  const result = parseStack(values, (key) => key === "deliverySecrets", "Pulumi.prod.yaml");
  const said = result.ok ? [] : result.problems.map(printProblem);
  return said.map((line) => line.replace("Pulumi.prod.yaml: dhis2-siem:", ""));
}

const AT = "delivery.destinations[0]";
const SET = "set it with: pulumi config set --secret --path 'deliverySecrets";
const NIGHT =
  'ends before it begins; for a night write two: {from: "22:00", to: "24:00"} and {from: "00:00", to: "06:00"}';

/** What is changed of a good destination, and what is said. */
const ROWS: readonly (readonly [given: Json, ...said: string[]])[] = [
  [{ ...HOOK, type: "pager" }, `${AT}.type: must be one of email, slack, teams, telegram, webhook`],
  [{ ...HOOK, type: undefined }, `${AT}.type: must be one of email, slack, teams, telegram, webhook`],
  [
    { ...HOOK, name: "The Hook" },
    `${AT}.name: is no name; use lower-case letters, digits and hyphens, at most 63, a letter first and no hyphen last`,
  ],
  [{ ...MAIL, to: ["duty"] }, `${AT}.to[0]: is no e-mail address, such as duty@example.org`],
  [{ ...MAIL, to: [] }, `${AT}.to: is empty; name who gets the alerts`],
  [{ ...MAIL, from: "x y@z" }, `${AT}.from: is no e-mail address, such as duty@example.org`],
  [{ ...MAIL, host: "smtp://x" }, `${AT}.host: is no host name or address`],
  [{ ...MAIL, port: 0 }, `${AT}.port: must be 1 or more`],
  [{ ...MAIL, tls: "none" }, `${AT}.tls: must be one of starttls, smtps`],
  [{ ...MAIL, ca: "x" }, `${AT}.ca: is no certificate; it must be the PEM text of the CA's`],
  [{ ...MAIL, user: "siem" }, `${AT}: "mail" lacks its user's password; ${SET}.mail'`],
  [{ ...HOOK, url: "soar.example.org" }, `${AT}.url: is no URL, such as https://soar.example.org/hook`],
  [{ ...HOOK, url: "https://a b" }, `${AT}.url: is no URL, such as https://soar.example.org/hook`],
  [{ ...HOOK, url: "https://u:p@x/" }, `${AT}.url: is no URL, such as https://soar.example.org/hook`],
  [{ ...HOOK, headers: { "X Y": "" } }, `${AT}.headers.X Y: is no name of a header`],
  [{ ...HOOK, headers: { X: "a\nb" } }, `${AT}.headers.X: is no value of a header`],
  [{ ...HOOK, url: undefined }, `${AT}: "hook" lacks its URL (or set url); ${SET}.hook'`],
  [{ name: "s", type: "slack" }, `${AT}: "s" lacks its webhook's URL; ${SET}.s'`],
  [{ name: "t", type: "telegram", chat: "-100123" }, `${AT}: "t" lacks its bot's token; ${SET}.t'`],
  [
    { name: "t", type: "telegram", chat: "me" },
    `${AT}.chat: is no chat, such as "-1001234567890" or "@channel"`,
  ],
  [
    { ...HOOK, severities: "hgih" },
    `${AT}.severities[0]: must be one of informational, low, medium, high, critical`,
  ],
  [{ ...HOOK, severities: [] }, `${AT}.severities: is empty; leave it out for every severity`],
  [{ ...HOOK, rules: [] }, `${AT}.rules: is empty; leave it out for every rule`],
  [{ ...HOOK, group: -1 }, `${AT}.group: must be 0 or more`],
  [{ ...HOOK, quietHours: { from: "22:00", to: "06:00" } }, `${AT}.quietHours[0].to: ${NIGHT}`],
  [
    { ...HOOK, quietHours: [{ from: "06:00", to: "06:00" }] },
    `${AT}.quietHours[0].to: is as long as nothing; it must be later than from`,
  ],
  [
    { ...HOOK, quietHours: [{ from: "22:00", to: "25:00" }] },
    `${AT}.quietHours[0].to: is no time of the day, such as "22:00" (in quotes)`,
  ],
  [
    { ...MAIL, tsl: "smtps" },
    `${AT}.tsl: there is no such key; did you mean "tls"? There are: api, ca, chat, from, group, headers, host, name, port, quietHours, rules, severities, tls, to, type, url, user`,
  ],
];

describe("the config of delivery", () => {
  for (const [given, ...said] of ROWS) {
    it(`says what is wrong: ${said.join("; ").slice(0, 100)}`, () =>
      assert.deepEqual(problems([given]), said));
  }

  it("refuses doubled names, and secrets of nobody or of the wrong form, without showing them", () => {
    assert.deepEqual(problems([HOOK, { ...MAIL, name: "hook" }]), [
      'delivery.destinations[1].name: "hook" is already the name of destinations[0]',
    ]);
    assert.deepEqual(problems([HOOK], { hok: "x" }), [
      'deliverySecrets.hok: there is no destination "hok" in delivery.destinations',
    ]);
    assert.deepEqual(problems([{ name: "s", type: "slack" }], { s: "http://hooks.example.org/x" }), [
      "deliverySecrets.s: is no URL of a webhook, such as https://soar.example.org/hook",
    ]);
    const bare = { name: "b", type: "webhook" };
    assert.deepEqual(problems([bare], { b: "https://soar.example.org" }), []);
    assert.deepEqual(problems([bare], { b: "https:///hook" }), [
      "deliverySecrets.b: is no URL of a webhook, such as https://soar.example.org/hook",
    ]);
    assert.deepEqual(problems([{ name: "t", type: "telegram", chat: "@room1" }], { t: "hunter2" }), [
      "deliverySecrets.t: is no token of a bot, such as 123456:ABC-DEF",
    ]);
    // It would go on in a header of its own.
    assert.deepEqual(problems([HOOK], { hook: "Bearer x\nHost: y" }), [
      "deliverySecrets.hook: is more than one line",
    ]);
    assert.deepEqual(problems([MAIL], { mail: "hunter2" }), [
      `${AT}.user: is missing, but there is a password; set both or none`,
    ]);
  });

  it("refuses what Kibana's connectors cannot do", () => {
    const said = (...destinations: Json[]) => {
      const delivery = JSON.stringify({ via: "connectors", destinations });
      const result = parseStack({ ...EXAMPLE_CONFIG, site: "site.json", delivery }, () => false, "f");
      return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
    };
    const quietHours = { from: "00:00", to: "06:00" };
    const tls =
      "tls: Kibana's connectors go on without TLS where STARTTLS is taken out on the way; set it to smtps, or set delivery.via to relay";
    assert.deepEqual(said({ ...HOOK, quietHours }, MAIL, { ...MAIL, name: "other", tls: "starttls" }), [
      "dhis2-siem:delivery.destinations[0].quietHours: Kibana's connectors cannot hold alerts back; take it out, or set delivery.via to relay",
      `dhis2-siem:delivery.destinations[1].${tls}`,
      `dhis2-siem:delivery.destinations[2].${tls}`,
    ]);
    assert.deepEqual(said(HOOK, { ...MAIL, tls: "smtps" }), []);
  });

  it("refuses secrets that are not encrypted", () => {
    const result = parsed([HOOK], { hook: "Bearer x" }, false);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map(({ path, message }) => [path, message]),
      [
        [
          "dhis2-siem:deliverySecrets",
          "is not encrypted; set each of it again with: pulumi config set --secret --path 'deliverySecrets.NAME'",
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
