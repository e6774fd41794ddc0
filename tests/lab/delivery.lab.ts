import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asAdmin, guessPasswords } from "../../lab/attack";
import { ask, search } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { deliveredAlerts, deliverySettings, FOLDER, received } from "../../lab/receivers";
import { inContainer, until } from "../../lab/shell";
import { changes, updateStack } from "../../lab/up";
import { RELAY_INDEX, RELAY_UNIT } from "../../core/names";

const REFUSE = join(FOLDER, "refuse");

/** Returns the lab's two destinations, with further settings for the mail. */
function deliveryWith(mail: object): object {
  const { delivery } = deliverySettings();
  return {
    destinations: delivery.destinations.map((one) => (one.name === "duty" ? { ...one, ...mail } : one)),
  };
}

describe("the delivery of alerts", () => {
  let outputs: LabOutputs;
  before(async () => {
    outputs = await labOutputs();
  });
  after(() => rmSync(REFUSE, { force: true }));

  /** Waits for an alert about a user and returns its id. */
  const alertOf = (since: string, rule: string, entity: string): Promise<string> =>
    until(`the alert "${rule}" about ${entity}`, 300, async () => {
      const filter = [
        { range: { "@timestamp": { gte: since } } },
        { term: { "rule.name": rule } },
        { term: { "dhis2.alert.entity": entity } },
      ];
      const query = { bool: { filter } };
      const { body } = await ask(outputs.login, "POST", `/${outputs.alertIndex}/_search`, { query });
      return (body as { hits: { hits: { _id: string }[] } }).hits.hits[0]?._id;
    });

  const mails = (since: string, id: string) =>
    received(since).filter((one) => one.by === "mail" && one.text.includes(id)).length;
  const both = (since: string, id: string) =>
    until(`the alert ${id} by mail and webhook`, 300, () =>
      Promise.resolve(mails(since, id) > 0 && deliveredAlerts(since).includes(id) ? true : undefined),
    );

  it("keeps what the destinations refuse, reports it, and delivers it when they accept it", async () => {
    writeFileSync(REFUSE, "");
    const since = await guessPasswords("nurse2");
    const id = await alertOf(since, "Failed DHIS2 Logins for One User", "nurse2");
    const journal = () =>
      inContainer("siem", [
        "journalctl",
        "-u",
        RELAY_UNIT,
        "--since",
        `@${Date.parse(since) / 1000}`,
        "-o",
        "cat",
      ]);
    await until("both refusals in the relay's journal", 300, async () => {
      const text = await journal();
      return /^ERROR duty: .*550/m.test(text) && /^ERROR soar: .*401/m.test(text) ? true : undefined;
    });
    const state = await inContainer("siem", ["systemctl", "show", RELAY_UNIT, "-p", "ActiveState,NRestarts"]);
    assert.match(state, /ActiveState=active/);
    assert.match(state, /NRestarts=0/);
    assert.deepEqual(received(since), []);
    rmSync(REFUSE);
    await both(since, id);
    assert.equal(mails(since, id), 1);
    assert.equal(deliveredAlerts(since).filter((one) => one === id).length, 1);
  });

  it("holds a mail back in quiet hours, but never a critical alert, and sends it afterwards", async () => {
    const allDay = deliveryWith({ group: 0, quietHours: { from: "00:00", to: "24:00" } });
    assert.equal(changes(await updateStack({ delivery: allDay })), "1 update");
    const since = await guessPasswords("nurse3");
    const held = await alertOf(since, "Failed DHIS2 Logins for One User", "nurse3");
    await until("the alert at the webhook", 120, () =>
      Promise.resolve(deliveredAlerts(since).includes(held) ? true : undefined),
    );
    await asAdmin("POST", "/dhis/api/users", { username: "eve" });
    const worst = await alertOf(since, "DHIS2 Superuser Made", "admin");
    // This alert was found in the same search or a later one, so the first alert would have been sent before it.
    await both(since, worst);
    assert.equal(mails(since, held), 0);
    await updateStack();
    await both(since, held);
    assert.equal(mails(since, held), 1);
  });

  it("is removed with the last destination, and comes back with the next", async () => {
    await updateStack({ delivery: { destinations: [] } });
    const left = await inContainer("siem", [
      "sh",
      "-c",
      `ls -d /opt/${RELAY_UNIT} /etc/${RELAY_UNIT} /etc/systemd/system/${RELAY_UNIT}.service 2>/dev/null; getent passwd ${RELAY_UNIT}; true`,
    ]);
    assert.equal(left.trim(), "");
    const { body } = await ask(outputs.superuser, "GET", "/_security/api_key?name=dhis2-siem-relay.*");
    const keys = (body as { api_keys: { invalidated: boolean }[] }).api_keys;
    assert.ok(keys.length > 0 && keys.every(({ invalidated }) => invalidated));
    await updateStack();
    const since = await guessPasswords("nurse4");
    const kept = await search(outputs.superuser, RELAY_INDEX, { term: { rule_name: "duty" } });
    assert.ok(kept.length > 0, "what was sent before is still known");
    await both(since, await alertOf(since, "Failed DHIS2 Logins for One User", "nurse4"));
  });
});
