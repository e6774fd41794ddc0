import assert from "node:assert/strict";
import { parse } from "yaml";
import { alertsOf, alertsSince, ATTACKS, attackSite, guessPasswords, throughProxy } from "../../lab/attack";
import { ask } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { BRIDGE_ADDRESS, LXD_PROJECT, POSTGRES_ADDRESS, SIEM_ADDRESS } from "../../lab/places";
import { field } from "../../lab/report";
import { changes, up, updateStack } from "../../lab/up";
import { inContainer, run } from "../../lab/shell";
import { basicAuth } from "../../connection/https";

describe("the lab's first update", () => {
  let outputs: LabOutputs;
  before(async () => {
    await up();
    outputs = await labOutputs();
  });

  const alert = (rule: string, entity: string) => (found: Record<string, unknown>) =>
    field(found, "rule.name") === rule && field(found, "dhis2.alert.entity") === entity;

  it("alerts about four wrong passwords, once for the user and once for the address, with the events", async () => {
    const since = await guessPasswords("admin");
    const byUser = alert("Failed DHIS2 Logins for One User", "admin");
    const byAddress = alert("Failed DHIS2 Logins from One Address", BRIDGE_ADDRESS);
    await alertsSince(outputs.login, outputs.alertIndex, since, byUser);
    const alerts = await alertsSince(outputs.login, outputs.alertIndex, since, byAddress);
    const user = alerts.filter(byUser);
    assert.equal(user.length, 1, "one alert for the user");
    assert.equal(alerts.filter(byAddress).length, 1, "one alert for the address");
    const [one = {}] = user;
    assert.equal(field(one, "dhis2.alert.count"), 4);
    assert.equal(field(one, "dhis2.alert.window"), "5m");
    assert.equal(field(one, "dhis2.alert.severity"), "medium");
    assert.equal(field(one, "user.name"), "admin");
    const events = field(one, "dhis2.alert.events") as Record<string, unknown>[];
    assert.equal(events.length, 4);
    for (const event of events)
      assert.match(String(field(event, "event.original")), /username: admin; exception: Bad credentials/);
  });

  it("alerts about every attack on the site", async () => {
    // These two rules fired in the test before, and a rule is silent for its window after an alert.
    const again = ["Failed DHIS2 Logins for One User", "Failed DHIS2 Logins from One Address"];
    const expected = ATTACKS.map(({ rule }) => rule).filter((rule) => !again.includes(rule));
    const since = await attackSite();
    const { missing } = await alertsOf(expected, outputs.login, outputs.alertIndex, since);
    assert.deepEqual(missing, []);
  });

  it("changes nothing in a second update", async () => {
    assert.equal(changes(await updateStack()), "nothing changed");
  });

  it("has logs of every container", async () => {
    for (const agent of outputs.agents) {
      const { body } = await ask(outputs.login, "POST", `/${outputs.dataStream}/_count`, {
        query: { term: { "dhis2.container.name": agent.name } },
      });
      assert.ok((body as { count: number }).count > 0, agent.name);
    }
  });

  it("lets nobody into Kibana without a login, and the operator with one, through the site's proxy", async () => {
    assert.equal((await throughProxy("GET", "/siem/api/alerting/rules/_find")).status, 401);
    const authorization = basicAuth(outputs.operator.username, outputs.operator.password);
    const { status, text } = await throughProxy("GET", "/siem/api/status", { headers: { authorization } });
    assert.equal(status, 200);
    assert.match(text, /"available"/);
  });

  it("lets Kibana's long links through the proxy, whose own buffers are 1 kB", async () => {
    const authorization = basicAuth(outputs.operator.username, outputs.operator.password);
    const { status } = await throughProxy("GET", `/siem/app/dashboards?_g=${"x".repeat(10_000)}`, {
      headers: { authorization },
    });
    assert.equal(status, 200);
  });

  it("refuses Kibana to a network that the config does not allow", async () => {
    const settings = await updateStack({ kibana: { allowFrom: [`${POSTGRES_ADDRESS}/32`] } });
    assert.equal(settings.summary.result, "succeeded");
    assert.equal((await throughProxy("GET", "/siem/api/status")).status, 403);
    assert.equal((await throughProxy("GET", "/dhis/api/ping")).status, 200, "DHIS2 itself stays open");
    await updateStack();
    assert.notEqual((await throughProxy("GET", "/siem/api/status")).status, 403);
  });

  it("gives the SIEM's container its limits, and a start at boot", async () => {
    const said = await run("lxc", ["--project", LXD_PROJECT, "config", "show", "siem"]);
    const { config, devices } = parse(said) as {
      config: Record<string, string>;
      devices: Record<string, Record<string, string>>;
    };
    assert.deepEqual(
      [config["boot.autostart"], config["limits.memory"], devices.eth0?.["ipv4.address"]],
      ["true", "3GiB", SIEM_ADDRESS],
    );
  });

  it("leaves no security for Elasticsearch's package to configure", async () => {
    const certificates = (await inContainer("siem", ["ls", "/etc/elasticsearch/certs"])).split(/\s+/);
    assert.ok(certificates.includes("server.crt"));
    // The vendor's postinst script creates these if no security is configured.
    for (const made of ["http.p12", "http_ca.crt", "transport.p12"]) assert.ok(!certificates.includes(made));
  });

  it("lets only root read the agents' settings, which contain no key", async () => {
    for (const agent of outputs.agents) {
      assert.equal(
        (await inContainer(agent.name, ["stat", "-c", "%a %U", "/etc/filebeat/filebeat.yml"])).trim(),
        "600 root",
      );
      assert.doesNotMatch(
        await inContainer(agent.name, ["cat", "/etc/filebeat/filebeat.yml"]),
        new RegExp(agent.keyId),
      );
    }
  });
});
