import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FIREWALL_REJECT, renderFirewall } from "../../render/firewall";

const SIEM = "10.99.0.200";
const SIEM_IPV6 = "fd99::200";
const address = (last: number) => `10.99.0.${last}`;
const [HOST, PROXY, DHIS, POSTGRES, NEIGHBOUR] = [1, 2, 10, 20, 60].map(address) as [
  string,
  string,
  string,
  string,
  string,
];
const PORTS = [22, 5601, 9200, 9300];

/** PostgreSQL's machine is added by the second rules, and a network with the neighbour. */
const FIRST = { elasticsearch: [HOST, PROXY, DHIS], kibana: [HOST, PROXY], networks: [] };
const SECOND = { ...FIRST, elasticsearch: [...FIRST.elasticsearch, POSTGRES], networks: [`${NEIGHBOUR}/30`] };

interface Phase {
  readonly phase: string;
  readonly results: Readonly<Record<string, readonly string[]>>;
}

/** Runs tests/support/firewall.sh in network namespaces of its own; undefined if this machine does not permit it. */
function tryRules(folder: string): { phases: Phase[]; reason?: string } {
  const tries = [
    ...[HOST, PROXY, DHIS, POSTGRES, NEIGHBOUR].flatMap((source) =>
      PORTS.map((port) => [source, SIEM, port]),
    ),
    ...PORTS.map((port) => ["fd99::60", SIEM_IPV6, port]),
  ];
  writeFileSync(join(folder, "tries.json"), JSON.stringify(tries));
  mkdirSync(join(folder, "own"));
  const own = [
    ...PORTS.flatMap((port) => [
      ["127.0.0.1", "127.0.0.1", port],
      [SIEM, SIEM, port],
    ]),
    ...PORTS.map((port) => ["::1", "::1", port]),
  ];
  writeFileSync(join(folder, "own/tries.json"), JSON.stringify(own));
  writeFileSync(join(folder, "first.nft"), renderFirewall(FIRST));
  writeFileSync(join(folder, "second.nft"), renderFirewall(SECOND));
  const script = join(__dirname, "../support/firewall.sh");
  const can = spawnSync("unshare", ["-rn", "nft", "list", "tables"], { encoding: "utf8" });
  if (can.status !== 0) return { phases: [], reason: can.stderr || "there is no unshare or nft" };
  const { status, stdout, stderr } = spawnSync("unshare", ["-rn", "bash", script, folder], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  return {
    phases: stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Phase),
  };
}

describe("the rules for the SIEM's ports, loaded by nft", () => {
  let folder: string;
  let phases: readonly Phase[];
  before(function () {
    this.timeout(90_000);
    folder = mkdtempSync(join(tmpdir(), "dhis2-siem-firewall-"));
    const { phases: found, reason } = tryRules(folder);
    if (reason !== undefined) {
      console.log(`    skipped: this machine permits no network namespace with nft: ${reason.trim()}`);
      this.skip();
    }
    phases = found;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const results = (phase: string) => phases.find((one) => one.phase === phase)?.results ?? assert.fail(phase);
  const result = (phase: string, source: string, port: number, target = SIEM) =>
    results(phase)[`${source} ${target} ${port}`];
  /** The ports that are open to an address. */
  const open = (phase: string, source: string, target = SIEM) =>
    PORTS.filter((port) => {
      const found = result(phase, source, port, target);
      assert.ok(
        found?.length === 1 && /^(open|refused)$/.test(found[0] ?? ""),
        `${source} ${port}: ${found?.join(", ")}`,
      );
      return found[0] === "open";
    });

  it("are needed: without them every port is open to everybody", () => {
    for (const source of [HOST, DHIS, NEIGHBOUR]) assert.deepEqual(open("before", source), PORTS);
    assert.deepEqual(open("before", "fd99::60", SIEM_IPV6), PORTS);
  });

  it("let agents reach Elasticsearch, the proxy and the host Kibana too, and nobody else either", () => {
    assert.deepEqual(open("first", HOST), [22, 5601, 9200]);
    assert.deepEqual(open("first", PROXY), [22, 5601, 9200]);
    assert.deepEqual(open("first", DHIS), [22, 9200]);
    for (const source of [POSTGRES, NEIGHBOUR]) assert.deepEqual(open("first", source), [22], source);
  });

  it("close IPv6, and leave other ports as they are", () => {
    assert.deepEqual(open("first", "fd99::60", SIEM_IPV6), [22]);
  });

  it("let programs in the container itself reach everything", () => {
    for (const [source, target] of [
      ["127.0.0.1", "127.0.0.1"],
      [SIEM, SIEM],
      ["::1", "::1"],
    ] as const)
      assert.deepEqual(open("own", source, target), PORTS, source);
  });

  it("change with the site: a machine that is added gets in, and so do the networks of the config", () => {
    assert.deepEqual(open("second", POSTGRES), [22, 9200]);
    assert.deepEqual(open("second", NEIGHBOUR), [22, 5601, 9200]);
    assert.deepEqual(open("second", DHIS), [22, 9200]);
  });

  it("change at once: no agent is refused, and nobody else gets in, while they are loaded again and again", () => {
    assert.deepEqual(result("loading", DHIS, 9200), ["open"]);
    assert.deepEqual(result("loading", PROXY, 5601), ["open"]);
    assert.deepEqual(result("loading", DHIS, 5601), ["refused"]);
    assert.deepEqual(result("loading", "fd99::60", 9200, SIEM_IPV6), ["refused"]);
    assert.deepEqual(result("loading", POSTGRES, 9200), ["open", "refused"], "both rules were loaded");
  });

  it("are a table of their own, which leaves nothing when it is deleted", () => {
    assert.deepEqual(open("deleted", NEIGHBOUR), PORTS);
    assert.equal(readFileSync(join(folder, "tables"), "utf8"), "table inet others\n");
  });

  it("are printed by nft as verify expects them", () => {
    assert.ok(readFileSync(join(folder, "chain"), "utf8").includes(FIREWALL_REJECT));
  });
});
