import assert from "node:assert/strict";
import { EXAMPLE_CONFIG } from "../../commands/graph";
import { checkKibana, kibanaSchema } from "../../config/kibana";
import { parseStack } from "../../config/load";
import { printPath, printProblem } from "../../core/problem";

/** Returns the problems of `kibana` in a stack's config, as "PATH MESSAGE". */
function problemsOf(kibana: object): string[] {
  const parsed = kibanaSchema.safeParse(kibana);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${printPath(path)} ${message}`);
  const problems: string[] = [];
  checkKibana(parsed.data, (path, message) => problems.push(`${printPath(path)} ${message}`));
  return problems;
}

describe("kibana.allowFrom", () => {
  const HALVES = ["0.0.0.0/1", "128.0.0.0/1"];
  const quarters = (prefix: number) =>
    Array.from({ length: 2 ** prefix }, (_, n) => `${(n << (8 - prefix)) & 255}.0.0.0/${prefix}`);
  const eighths = Array.from({ length: 256 }, (_, n) => `${n}.0.0.0/8`);

  for (const [what, allowFrom] of [
    ["everybody", ["0.0.0.0/0"]],
    ["everybody, written with another address", ["203.0.113.7/0"]],
    ["everybody of IPv6", ["::/0"]],
    ["both halves of the internet", HALVES],
    ["one half beside an office", ["203.0.113.0/24", "128.0.0.0/1"]],
    ["four quarters", quarters(2)],
    ["a /7", ["202.0.0.0/7"]],
    ["every /8", eighths],
    ["two neighbouring /8", ["202.0.0.0/8", "203.0.0.0/8"]],
    ["two /8 far apart, one of them twice", ["41.0.0.0/8", "203.0.0.0/8", "203.0.0.0/8"]],
    ["the IPv6 addresses that stand for all of IPv4", ["::ffff:0:0/96"]],
    ["the same by NAT64", ["64:ff9b::/96"]],
    ["the same by 6to4", ["2002::/16"]],
    ["all of IPv6 that is routed", ["2000::/3"]],
    ["two halves of IPv6", ["::/1", "8000::/1"]],
    ["half of 6to4 and half of IPv4", ["2002::/17", "128.0.0.0/1"]],
  ] as const) {
    it(`must not hold ${what} without consent`, () => {
      const problems = problemsOf({ allowFrom });
      assert.notDeepEqual(problems, []);
      for (const problem of problems) {
        assert.match(problem, /^allowFrom(\[\d+\])? must not be .*, such as \[203\.0\.113\.0\/24\]/);
        assert.match(problem, /or set kibana\.allowEveryone to true/);
      }
      assert.deepEqual(problemsOf({ allowFrom, allowEveryone: true }), []);
      assert.deepEqual(problemsOf({ allowFrom, allowEveryone: "true" }), []);
    });
  }

  it("names each network that is too large", () => {
    const paths = problemsOf({ allowFrom: ["203.0.113.0/24", ...HALVES] }).map((text) => text.split(" ")[0]);
    assert.deepEqual(paths, ["allowFrom[1]", "allowFrom[2]"]);
  });

  for (const [what, allowFrom] of [
    ["none", []],
    ["an office", ["203.0.113.0/24"]],
    ["one address", ["203.0.113.7/32", "2001:db8::7/128"]],
    ["IPv6", ["2001:db8:1200::/40"]],
    ["all private networks", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]],
    ["a large provider", ["41.0.0.0/8", "2c0f:f000::/20"]],
    ["the same /8 three times", ["41.0.0.0/8", "41.0.0.0/8", "41.5.0.0/16"]],
    ["a mapped office", ["::ffff:203.0.113.0/120"]],
  ] as const) {
    it(`may be ${what}`, () => assert.deepEqual(problemsOf({ allowFrom }), []));
  }

  for (const wrong of ["203.0.113.7", "office", "203.0.113.0/33", "2001:db8::/129", "", "all"]) {
    it(`must be networks: not "${wrong}"`, () => {
      assert.deepEqual(problemsOf({ allowFrom: [wrong] }), [
        "allowFrom[0] must be a network, such as 203.0.113.0/24 or 2001:db8:1200::/40",
      ]);
    });
  }

  it("needs true or false for the consent", () => {
    assert.deepEqual(problemsOf({ allowEveryone: "yes" }), ["allowEveryone must be true or false"]);
  });
});

describe("kibana in a stack's config", () => {
  for (const [value, expected] of [
    [`{"allowFrom":"10.0.0.0/8"}`, "kibana.allowFrom must be a list of networks, such as [203.0.113.0/24]"],
    [
      "10.0.0.0/8",
      "kibana must be an object; set its keys, such as: pulumi config set --path 'kibana.allowFrom[0]' VALUE",
    ],
    [
      `{"allowFrom":["10.0.0.0/8","10.0.0.1"]}`,
      "kibana.allowFrom[1] must be a network, such as 203.0.113.0/24 or 2001:db8:1200::/40",
    ],
    [
      `{"allowFrom":["10.0.0.0/8","0.0.0.0/0"]}`,
      "kibana.allowFrom[1] must not be so large a network (0.0.0.0/0): list the networks that you know, such as [203.0.113.0/24]; or set kibana.allowEveryone to true, if everybody may see Kibana's login page",
    ],
  ] as const) {
    it(`refuses kibana ${value}`, () => {
      const values = { ...EXAMPLE_CONFIG, site: "site.json", kibana: value };
      const result = parseStack(values, () => false, "Pulumi.prod.yaml");
      assert.deepEqual(result.ok ? [] : result.problems.map(printProblem), [
        `Pulumi.prod.yaml: dhis2-siem:${expected}`,
      ]);
    });
  }
});
