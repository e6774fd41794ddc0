import assert from "node:assert/strict";
import { runChecks } from "../../../commands/verify/checks";
import { daysLeft } from "../../../commands/verify/checks/disk";
import { exitCode, type Finding } from "../../../commands/verify/finding";
import { elastic, inside, OTHER_BREAKAGES, MAIN_BREAKAGES } from "./breakages";
import { DAY, sample } from "./samples";

/** Returns the findings, as "severity check subject". */
const wrong = (findings: readonly Finding[]) =>
  findings
    .filter(({ severity }) => severity !== "ok")
    .map(({ severity, check: name, subject }) => `${severity} ${name} ${subject}`);

describe("verify's checks", () => {
  it("find nothing wrong with a good site, and say so for each check", () => {
    const findings = runChecks(sample());
    assert.deepEqual(wrong(findings), []);
    assert.equal(exitCode(findings), 0);
    assert.equal(new Set(findings.map((finding) => finding.check)).size, 19);
    for (const finding of findings) assert.equal(finding.fix, undefined);
  });

  describe("find, and name, each of ten breakages", () => {
    for (const [breakage, apply, found, fix] of MAIN_BREAKAGES) {
      it(breakage, () => {
        const findings = runChecks(sample(apply));
        assert.deepEqual(wrong(findings), found);
        const [first] = findings.filter(({ severity }) => severity !== "ok");
        assert.match(first?.fix ?? "", fix);
      });
    }
  });

  describe("find, and nothing else,", () => {
    for (const [breakage, apply, found] of OTHER_BREAKAGES) {
      it(breakage, () => {
        const findings = runChecks(sample(apply));
        assert.deepEqual(wrong(findings), found);
        for (const { severity, fix } of findings)
          assert.equal(fix !== undefined, severity !== "ok", "a command that fixes it");
      });
    }
  });

  it("have a relay that cannot start set up again, where a restart would not help", () => {
    for (const state of ["activating", "failed"]) {
      const findings = runChecks(sample((site) => (inside(site, "siem").units["dhis2-siem-relay"] = state)));
      assert.deepEqual(wrong(findings), ["problem relay siem"]);
      const { text, fix } = findings.find((finding) => finding.check === "relay") ?? assert.fail();
      assert.equal(text, `the relay is ${state}: no alert reaches anybody`);
      assert.equal(fix, 'raise the generation of "siem" in the site\'s file, then: pulumi up');
    }
  });

  it("call a key that was revoked by its name: not only agents have one", () => {
    const findings = runChecks(
      sample((site) => {
        const one = { id: "r", name: "dhis2-siem-default-relay", container: "siem", urn: "urn:relay-key" };
        site.state.keys.push(one);
        elastic(site).keys.push({ ...one, invalidated: true });
      }),
    );
    assert.deepEqual(wrong(findings), ["problem keys siem"]);
    const { text } = findings.find((finding) => finding.check === "keys") ?? assert.fail();
    assert.equal(text, "the API key dhis2-siem-default-relay (r) is revoked: what uses it is refused");
  });

  it("warn 60 and 30 days before a key ends, and call it a problem 7 days before", () => {
    const at = (days: number) =>
      sample((site) =>
        Object.assign(elastic(site).keys[0] ?? {}, { expiration: site.facts.now + days * DAY }),
      );
    const found = (days: number) => {
      const keys = runChecks(at(days)).filter(({ check, severity }) => check === "keys" && severity !== "ok");
      return keys.map(({ severity, text, fix }) => `${severity}: ${text}; ${fix}`).join();
    };
    const name = "the API key dhis2-siem-agent-dhis";
    const end = "what uses it is refused then; pulumi up";
    assert.equal(found(61), "");
    assert.equal(found(59.5), `warning: ${name} ends in 59 days, less than 60 days: ${end}`);
    assert.equal(found(29.5), `warning: ${name} ends in 29 days, less than 30 days: ${end}`);
    assert.equal(found(6.5), `problem: ${name} ends in 6 days, less than 7 days: ${end}`);
    assert.equal(found(-1), `problem: ${name} ends in less than a minute, less than 7 days: ${end}`);
  });

  it("say nothing of the key of the last period, which may be gone, and call the end of this period's", () => {
    const findings = runChecks(
      sample((site) => {
        const key = { name: "dhis2-siem-relay", container: "siem" };
        for (const period of [102, 103])
          site.state.keys.push({
            ...key,
            id: `r${period}`,
            name: `${key.name}.${period}`,
            urn: `urn:${period}`,
          });
        elastic(site).keys.push({ id: "r103", name: `${key.name}.103`, invalidated: true });
      }),
    );
    assert.deepEqual(wrong(findings), ["problem keys siem"]);
    assert.equal(findings.find(({ check }) => check === "keys")?.fix, "pulumi up --replace 'urn:103'");
  });

  it("say nothing of a key that was revoked because it is no longer used", () => {
    const old = { id: "old", name: "dhis2-siem-agent-dhis", invalidated: true };
    assert.deepEqual(wrong(runChecks(sample((site) => elastic(site).keys.push(old)))), []);
  });

  it("say nothing of a relay where the stack delivers nothing", () => {
    const findings = runChecks(
      sample((site) => {
        site.state.delivers = false;
        delete site.facts.relay;
        inside(site, "siem").units["dhis2-siem-relay"] = "inactive";
      }),
    );
    assert.ok(!findings.some((finding) => finding.check === "relay"));
    assert.deepEqual(wrong(findings), []);
  });

  it("say nothing of PostgreSQL where the site has none, nor of one in a container of another type", () => {
    const cluster = { "/etc/postgresql/17/main": "" };
    const old = runChecks(
      sample((site) => {
        Object.assign(inside(site, "postgres").sources, { postgresql: cluster });
        for (const agent of site.site.agents) if (agent.name === "postgres") agent.type = "postgres12";
      }),
    );
    assert.deepEqual(wrong(old), ["problem postgresql postgres"]);
    const elsewhere = runChecks(
      sample((site) => Object.assign(inside(site, "dhis").sources, { postgresql: cluster })),
    );
    assert.deepEqual(wrong(elsewhere), []);
    const none = runChecks(
      sample((site) => (site.site.agents = site.site.agents.filter(({ name }) => name !== "postgres"))),
    );
    assert.ok(!none.some((finding) => finding.check === "postgresql"));
  });

  it("take a location that is closed to the host, and a site whose proxy is open, as in place", () => {
    for (const status of [200, 403]) {
      const findings = runChecks(sample((site) => (site.facts.proxy = { ok: true, value: status })));
      assert.deepEqual(wrong(findings), []);
    }
  });

  it("tell how many days the disk lasts", () => {
    const disk = { mount: "/", size: 100, free: 65 };
    const logs = { bytes: 20, documents: 1000, recent: 500, days: 5 };
    // The logs grow by two a day, and sixty are left until the flood stage: thirty days. Lines are kept for a hundred days.
    assert.equal(daysLeft(disk, logs, 100), 30);
    assert.equal(daysLeft(disk, logs, 30), undefined, "retention takes as much away as comes");
    assert.equal(daysLeft(disk, { ...logs, days: 0.5 }, 100), undefined, "too short a time to tell");
    assert.equal(daysLeft(disk, { ...logs, documents: 0, recent: 0 }, 100), undefined);
    assert.equal(daysLeft({ ...disk, free: 3 }, logs, 100), 0);
  });
});
