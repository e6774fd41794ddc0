import assert from "node:assert/strict";
import { throughProxy } from "../../lab/attack";
import { ask } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { address, BRIDGE_ADDRESS, SIEM_ADDRESS } from "../../lab/places";
import { inContainer, script, until } from "../../lab/shell";
import { containerSettings } from "../../lab/stack";
import { agentKeyResource, labSecrets } from "../../lab/state";
import { changes, updateStack } from "../../lab/up";
import { verifyLab } from "../../lab/verify";

const NEIGHBOUR = "neighbour";
const NEIGHBOUR_ADDRESS = address(60);
const UNIT = "dhis2-siem-firewall";

/** Whether a container can open a TCP connection to the SIEM. */
async function reaches(container: string, port: number, host = SIEM_ADDRESS): Promise<boolean> {
  const command = `timeout 5 bash -c 'exec 3<>/dev/tcp/${host}/${port}' 2>/dev/null && echo open || echo closed`;
  return (await inContainer(container, ["sh", "-c", command])).trim() === "open";
}

/** Sends requests to DHIS2 through the proxy, one after the other, until it is stopped; gives how many, and what failed. */
function requestsToDhis2() {
  let running = true;
  const failed: string[] = [];
  let count = 0;
  const loop = (async () => {
    while (running) {
      count += 1;
      const answer = await throughProxy("GET", "/dhis/api/ping").then(
        ({ status }) => String(status),
        (error: unknown) => String(error),
      );
      if (answer !== "200") failed.push(answer);
    }
  })();
  return async () => {
    running = false;
    await loop;
    return { count, failed };
  };
}

describe("the SIEM's ports", () => {
  let outputs: LabOutputs;
  let stop: ReturnType<typeof requestsToDhis2>;
  before(async () => {
    outputs = await labOutputs();
    await script("host/site.sh", ["add", NEIGHBOUR, NEIGHBOUR_ADDRESS, "bare"]);
    stop = requestsToDhis2();
  });
  after(async () => {
    await stop();
    await script("host/site.sh", ["remove", NEIGHBOUR]);
  });

  it("are open to the agents, and Kibana's to the proxy only", async () => {
    for (const { name } of outputs.agents) {
      assert.ok(await reaches(name, 9200), `${name} reaches Elasticsearch`);
      assert.equal(await reaches(name, 5601), name === "proxy", `${name} and Kibana`);
    }
  });

  it("are closed to a neighbour in the same network, with any key", async () => {
    for (const port of [5601, 9200, 9300]) assert.equal(await reaches(NEIGHBOUR, port), false, String(port));
    const key = (await labSecrets()).find(({ name }) => name === agentKeyResource("proxy"));
    const keyId = outputs.agents.find(({ name }) => name === "proxy")?.keyId;
    assert.ok(key && keyId);
    const stolen = Buffer.from(`${keyId}:${key.value}`).toString("base64");
    const url = `https://${SIEM_ADDRESS}:9200/${outputs.dataStream}/_doc`;
    const curl = (name: string) =>
      inContainer(name, [
        ...["curl", "-sk", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", url],
        ...["-H", `Authorization: ApiKey ${stolen}`, "-H", "Content-Type: application/json"],
        ...["-d", JSON.stringify({ "@timestamp": new Date().toISOString(), message: "a line" })],
      ]).catch((error: unknown) => String(error));
    assert.match(await curl(NEIGHBOUR), /failed \(7\)/, "curl's code for a refused connection");
    assert.equal(await curl("proxy"), "201", "the same request of the machine that the key is for");
  });

  it("are closed over IPv6, to everybody", async () => {
    const listen =
      "import socket; s = socket.create_server(('::', 9300), family=socket.AF_INET6); [s.accept() for _ in iter(int, 1)]";
    await inContainer("siem", ["systemd-run", "-q", "--collect", "--unit=listen", "python3", "-c", listen]);
    try {
      const list = await inContainer("siem", ["ip", "-6", "-o", "addr", "show", "dev", "eth0"]);
      const own = /inet6 (fe80:[^/]+)/.exec(list)?.[1];
      if (own === undefined) {
        console.log("      there is no IPv6 address here");
        return;
      }
      const link = `${own}%eth0`;
      await inContainer("siem", ["systemctl", "stop", UNIT]);
      await until("a way over IPv6 without the rules", 20, async () =>
        (await reaches("proxy", 9300, link)) ? true : undefined,
      );
      await inContainer("siem", ["systemctl", "start", UNIT]);
      for (const name of ["proxy", NEIGHBOUR]) assert.equal(await reaches(name, 9300, link), false, name);
    } finally {
      await inContainer("siem", ["systemctl", "start", UNIT]);
      await inContainer("siem", ["systemctl", "stop", "listen"]);
    }
  });

  it("are open to the host, from which the forward comes: it is the network's gateway", async () => {
    assert.equal((await ask(outputs.superuser, "GET", "/")).status, 200);
    const rules = await inContainer("siem", ["nft", "list", "set", "inet", "dhis2_siem", "kibana"]);
    assert.ok(rules.includes(BRIDGE_ADDRESS));
  });

  it("open to a network of the config, and close again, in one change each", async () => {
    const siem = { ...containerSettings(), allowFrom: [`${NEIGHBOUR_ADDRESS}/32`] };
    assert.equal(changes(await updateStack({ siem })), "1 update");
    for (const port of [5601, 9200]) assert.equal(await reaches(NEIGHBOUR, port), true, String(port));
    assert.equal(await reaches(NEIGHBOUR, 9300), false);
    assert.equal(changes(await updateStack()), "1 update");
    for (const port of [5601, 9200]) assert.equal(await reaches(NEIGHBOUR, port), false, String(port));
  });

  it("are closed again by the unit after somebody flushed all rules, which verify reports", async () => {
    const ports = async () => (await verifyLab()).findings.find(({ check }) => check === "ports");
    assert.equal((await ports())?.severity, "ok");
    await inContainer("siem", ["nft", "flush", "ruleset"]);
    assert.equal(await reaches(NEIGHBOUR, 9200), true, "nothing else closes them");
    const found = await ports();
    assert.equal(found?.severity, "problem");
    assert.match(found.fix ?? "", new RegExp(`systemctl restart ${UNIT}`));
    await inContainer("siem", ["systemctl", "restart", UNIT]);
    assert.equal(await reaches(NEIGHBOUR, 9200), false);
  });

  it("were set and removed while DHIS2 answered every request", async () => {
    const { count, failed } = await stop();
    console.log(`      ${count} requests to DHIS2`);
    assert.deepEqual(failed, []);
    assert.ok(count > 50, String(count));
  });
});
