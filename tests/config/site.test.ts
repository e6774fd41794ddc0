import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SiteExtras } from "../../config/check-site";
import { parseSite } from "../../config/load";
import { printProblem } from "../../core/problem";
import { makeSite } from "../../lab/bench/make-site";

const SITES = join(__dirname, "../sites");
const ALONE: SiteExtras = { dhis2: [], withoutDhis2: false };
const TEXT = readFileSync(join(SITES, "nginx.json"), "utf8");

function problemsOf(text: string, extras = ALONE): string[] {
  const result = parseSite("site.json", text, extras);
  return result.ok ? [] : result.problems.map(printProblem);
}

describe("a site's file", () => {
  it("becomes a site", () => {
    const result = parseSite("apache.json", readFileSync(join(SITES, "apache.json"), "utf8"), ALONE);
    assert.ok(result.ok);
    const site = result.value;
    assert.deepEqual(
      site.containers.map(({ name }) => name),
      ["hmis", "logger", "monitor", "postgres", "proxy", "siem", "training"],
    );
    assert.deepEqual(
      site.agents.map(({ name }) => name),
      ["hmis", "monitor", "postgres", "proxy", "training"],
    );
    assert.deepEqual(site.network, { cidr: "172.19.2.0/24", gateway: "172.19.2.1", prefix: 24 });
    assert.equal(site.timezone, "Asia/Colombo");
    assert.deepEqual(site.siem, { name: "siem", ip: "172.19.2.200", type: "es_siem", generation: 1 });
    assert.equal(site.proxy.program, "apache2");
    assert.ok(site.agents.includes(site.proxy), "the proxy is one of the agents, the same object");
    assert.deepEqual(site.containers[3], {
      name: "postgres",
      ip: "172.19.2.20",
      type: "postgres12",
      generation: 1,
      guestosVersion: "20.04",
    });
    assert.equal(site.containers[6]?.generation, 3);
  });

  it("is read in every committed example", () => {
    for (const name of [
      "nginx.json",
      "apache.json",
      "variants/nginx-generation.json",
      "../../lab/site/containers.json",
    ]) {
      assert.deepEqual(problemsOf(readFileSync(join(SITES, name), "utf8")), [], name);
    }
  });

  it("is read when made, of any size", () => {
    for (const n of [3, 4, 5, 6, 10, 50, 200]) {
      const result = parseSite("made.json", JSON.stringify(makeSite(n)), ALONE);
      assert.ok(result.ok, JSON.stringify(result));
      assert.equal(result.value.containers.length, n);
    }
    assert.throws(() => makeSite(201), RangeError);
  });
});

describe("DHIS2 instances of the stack's config", () => {
  const LISTED_NOWHERE = TEXT.replace(/.*"dhis2" },\n/, "");
  const instance = (name: string, ip: string) => ({
    dhis2: [{ name, ip, generation: 2 }],
    withoutDhis2: false,
  });

  it("join the site's containers", () => {
    const result = parseSite("site.json", LISTED_NOWHERE, instance("hmis", "192.168.0.11"));
    assert.ok(result.ok);
    const added = { name: "hmis", ip: "192.168.0.11", type: "dhis2", generation: 2 };
    assert.deepEqual(result.value.containers[0], added);
    assert.deepEqual(result.value.agents[0], added);
  });

  it("may be missing if that is meant", () => {
    assert.deepEqual(problemsOf(LISTED_NOWHERE, { dhis2: [], withoutDhis2: true }), []);
    assert.match(
      problemsOf(LISTED_NOWHERE).join("\n"),
      /^site\.json:9: containers must have an entry of type dhis2: /,
    );
  });

  it("are checked against the site's network and entries", () => {
    assert.deepEqual(problemsOf(LISTED_NOWHERE, instance("hmis", "10.0.0.1")), [
      `site.json:5: network must fit the stack's config, where the ip of dhis2 "hmis" must be a free address of 192.168.0.0/24; 10.0.0.1 is outside the network`,
    ]);
    assert.deepEqual(problemsOf(TEXT, instance("DHIS", "192.168.0.10")), [
      'site.json:11: containers[1].name must be unique; "DHIS" is also in dhis2 of the stack\'s config: keep one of the two',
      'site.json:11: containers[1].ip must be unique; "192.168.0.10" is also in dhis2 of the stack\'s config: keep one of the two',
    ]);
  });
});
