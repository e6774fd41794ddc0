import assert from "node:assert/strict";
import { alertsOf } from "../../lab/attack";
import { search } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { inContainer, until } from "../../lab/shell";

const CONTAINER = "postgres";
const SUDOS = 100;
const GAP = "Log Lines Lost Before They Were Sent";
/** A smaller journal than the agent's step makes, so that a short flood displaces lines. */
const SMALL_JOURNAL = "/etc/systemd/journald.conf.d/60-small.conf";

/** Lines of 60 kB from `nobody`, as many in a second as journald takes, for at most 40 s. */
const FLOOD = `head -c 45000 /dev/urandom | base64 -w 0 >/tmp/noise
for n in $(seq 200); do printf '%s ' $n; cat /tmp/noise; echo; done >/tmp/lines
timeout 40 setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'for n in $(seq 25); do logger --size 200KiB -t flood -f /tmp/lines; done' || true
rm /tmp/noise /tmp/lines`;

describe("what root wrote while a user floods the journal", () => {
  let outputs: LabOutputs;
  let since: string;
  const mark = `evidence-${Date.now()}`;
  const sh = (text: string) => inContainer(CONTAINER, ["bash", "-euc", text]);

  before(async () => {
    outputs = await labOutputs();
    await sh("command -v sudo || { apt-get -qq update && apt-get -qq install sudo; }");
    since = new Date().toISOString();
  });
  after(() => sh(`rm -f ${SMALL_JOURNAL}; systemctl restart systemd-journald`));

  /** The sudos whose lines are in Elasticsearch. */
  async function arrived(): Promise<Set<string>> {
    const lines = await search(
      outputs.login,
      outputs.dataStream,
      {
        bool: {
          filter: [
            { term: { "event.dataset": "system.sudo" } },
            { term: { "dhis2.container.name": CONTAINER } },
            { range: { "@timestamp": { gte: since } } },
          ],
        },
      },
      1000,
    );
    const found = lines.flatMap((line) => JSON.stringify(line).match(new RegExp(`${mark}-\\d+`, "g")) ?? []);
    return new Set(found);
  }

  it("is sent, each of 100 sudos, or an alert says how many lines are missing", async () => {
    const sudos = sh(`for n in $(seq ${SUDOS}); do sudo -u nobody /bin/true ${mark}-$n; sleep 0.3; done`);
    await Promise.all([sh(FLOOD), sudos]);
    const all = async () => ((await arrived()).size === SUDOS ? true : undefined);
    const isWhole = await until("all sudos", 240, all).catch(() => false);
    if (isWhole) return;
    const missing = SUDOS - (await arrived()).size;
    console.log(`      ${missing} of ${SUDOS} sudos did not arrive`);
    const { alerts } = await alertsOf([GAP], outputs.login, outputs.alertIndex, since, 300);
    const lost = alerts.flatMap(
      (alert) => JSON.stringify(alert).match(/"dhis2\.health\.lost":(\d+)/)?.[1] ?? [],
    );
    assert.ok(Math.max(0, ...lost.map(Number)) >= missing, `${lost.join(", ")} lost, ${missing} missing`);
  });

  it("raises an alert where the journal is so small that lines are lost", async () => {
    await sh(`printf '[Journal]\\nSystemMaxUse=64M\\nSystemMaxFileSize=8M\\n' >${SMALL_JOURNAL}
      systemctl restart systemd-journald`);
    await sh(FLOOD);
    const { missing } = await alertsOf([GAP], outputs.login, outputs.alertIndex, since, 300);
    assert.deepEqual(missing, []);
  });

  it("leaves an agent that reads on", async () => {
    await sh(
      `logger -t postgres "${mark} root"; setpriv --reuid 65534 --clear-groups logger -t postgres "${mark} nobody"`,
    );
    for (const message of [`${mark} root`, `${mark} nobody`]) {
      await until(message, 420, async () => {
        const found = await search(outputs.login, outputs.dataStream, { match_phrase: { message } });
        return found.length > 0 ? true : undefined;
      });
    }
  });
});
