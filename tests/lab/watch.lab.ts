import assert from "node:assert/strict";
import { alertsOf } from "../../lab/attack";
import { search } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { deliveredAlerts, received } from "../../lab/receivers";
import { inContainer, script, until } from "../../lab/shell";

const OUTAGE_S = 600;

const sh = (container: string, text: string) => inContainer(container, ["bash", "-euc", text]);

describe("a SIEM that is disturbed while alerts cannot be delivered for ten minutes", () => {
  let outputs: LabOutputs;
  let since: string;
  const alertsOfRules = (rules: string[], seconds?: number) =>
    alertsOf(rules, outputs.login, outputs.alertIndex, since, seconds);

  before(async () => {
    outputs = await labOutputs();
    since = new Date().toISOString();
    await script("host/receivers.sh", ["down"]);
    await inContainer("postgres", ["systemctl", "stop", "filebeat"]);
  });
  after(async () => {
    await inContainer("postgres", ["systemctl", "start", "filebeat"]);
    await script("host/receivers.sh", ["up"]);
  });

  it("alerts about a full disk, about lines that it cannot read and about lines that journald dropped", async () => {
    await sh(
      "siem",
      "mount -t tmpfs -o size=1m tmpfs /mnt; head -c 1000000 /dev/zero >/mnt/full; dhis2-siem-health /mnt; umount /mnt",
    );
    await sh("proxy", "for n in $(seq 320); do echo no line of nginx $n; done | logger -t nginx");
    const noisy = "seq 1000; sleep 12; echo the end";
    // journald was seen to drop these lines once without a message, so they are written again if necessary.
    await sh(
      "dhis",
      `for try in 1 2 3; do
        systemd-run --wait -q -p LogRateLimitIntervalSec=10s -p LogRateLimitBurst=5 sh -c '${noisy}'
        journalctl --sync
        if journalctl -q -t systemd-journald --since "@${Math.floor(Date.parse(since) / 1000)}" --grep Suppressed; then exit 0; fi
      done
      exit 1`,
    );
    const { missing } = await alertsOfRules(["Lines Not Understood Rising", "Journald Suppressing Messages"]);
    assert.deepEqual(missing, []);
    // This rule alerts once in six hours: if this machine's own disk is nearly full, the alert came before.
    const sixHoursAgo = new Date(Date.parse(since) - 6 * 3600_000).toISOString();
    const disk = ["Disk of the SIEM Filling"];
    assert.deepEqual((await alertsOf(disk, outputs.login, outputs.alertIndex, sixHoursAgo)).missing, []);
  });

  it("alerted about the silent audit log before anybody had changed anything in DHIS2", async () => {
    const silent = await search(outputs.login, outputs.alertIndex, {
      term: { "rule.name": "DHIS2 Audit Log Silent: dhis" },
    });
    assert.ok(silent.length > 0);
  });

  it("delivers each alert once, when the destinations are back", async () => {
    assert.deepEqual(received(since), [], "nothing came while they were down");
    const end = Date.parse(since) + OUTAGE_S * 1000;
    await until("the outage's end", OUTAGE_S + 60, () =>
      Promise.resolve(Date.now() > end ? true : undefined),
    );
    const { alerts } = await alertsOfRules([]);
    assert.ok(alerts.length >= 2);
    await script("host/receivers.sh", ["up"]);
    await inContainer("siem", ["systemctl", "restart", "dhis2-siem-relay"]);
    const ids = await until("every alert at the webhook", 420, () => {
      const got = deliveredAlerts(since);
      return Promise.resolve(got.length >= alerts.length ? got : undefined);
    });
    assert.equal(new Set(ids).size, ids.length, "none twice");
    const mails = await until("every alert by mail", 420, () => {
      const texts = received(since).flatMap((one) => (one.by === "mail" ? [one.text] : []));
      return Promise.resolve(ids.every((id) => texts.some((text) => text.includes(id))) ? texts : undefined);
    });
    for (const id of ids) assert.equal(mails.filter((text) => text.includes(`id=${id}`)).length, 1, id);
  });

  it("alerts about an agent that has been silent for a quarter of an hour, and delivers the alert", async () => {
    const { missing } = await alertsOfRules(["Agent Silent: postgres"], 1200);
    assert.deepEqual(missing, []);
    await until("the alert by mail", 240, () => {
      const told = received(since).some(
        (one) => one.by === "mail" && one.text.includes("Agent Silent: postgres"),
      );
      return Promise.resolve(told ? true : undefined);
    });
  });
});
