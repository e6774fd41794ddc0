import assert from "node:assert/strict";
import { realElasticsearch, type RealElasticsearch } from "../../../commands/elasticsearch";
import { dropLogStream, putLogStream } from "../../../commands/elasticsearch/pipelines";
import { readKibanaClients } from "../../../commands/verify/kibana-clients";
import type { SendRequest } from "../../../commands/verify/server-facts";

const NAMESPACE = "clients";
const NETWORK = { network: { cidr: "192.168.0.0/24", gateway: "192.168.0.1", prefix: 24 } };

describe("who was let in to Kibana, by the proxy's log (verify)", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let dataStream: string;
  const send: SendRequest = async (method, path, body) => ({
    status: 200,
    text: JSON.stringify(await elasticsearch.call(method, path, body as object)),
  });
  /** Returns the addresses that verify reports after these requests, each as "ADDRESS METHOD PATH STATUS". */
  async function reported(requests: readonly string[], allowFrom: string[] = [], allowEveryone = false) {
    dataStream = await putLogStream(elasticsearch, NAMESPACE);
    try {
      for (const request of requests) {
        const [address, method, path, status] = request.split(" ");
        await elasticsearch.call("POST", `/${dataStream}/_doc?refresh=true`, {
          "@timestamp": new Date().toISOString(),
          message: `${address} - - [01/Mar/2024:10:11:12 +0000] "${method} ${path} HTTP/1.1" ${status} 162 "-" "Mozilla/5.0"`,
          syslog: { identifier: "nginx_access" },
          dhis2: { container: { name: "proxy", type: "nginx_proxy" } },
        });
      }
      const found = await readKibanaClients(send, dataStream, NETWORK, { allowFrom, allowEveryone });
      return { ...found, addresses: [...found.addresses].sort() };
    } finally {
      await dropLogStream(elasticsearch, NAMESPACE);
    }
  }
  before(async () => (elasticsearch = await realElasticsearch()));

  it("is everybody from outside whose request Kibana answered, whatever it answered", async () => {
    const requests = [
      "203.0.113.1 GET /siem/api/status 200",
      "203.0.113.2 POST /siem/internal/security/login 401",
      "203.0.113.3 GET /siem/ 302",
      "203.0.113.4 GET //siem/app/home 404",
      "2001:db8::5 GET /siem/login 200",
    ];
    const all = requests.map((request) => request.split(" ")[0]);
    assert.deepEqual((await reported(requests)).addresses, all.sort());
  });

  it("is nobody who was refused, nobody from a private or an allowed network, and nobody who asked DHIS2", async () => {
    const requests = [
      "203.0.113.1 GET /siem/api/status 403",
      "203.0.113.1 GET /siem 302",
      "203.0.113.1 GET /siem/%ff 400",
      "203.0.113.1 GET /siemens/ 200",
      "203.0.113.1 GET /dhis/api/me 200",
      "198.51.100.7 GET /siem/api/status 200",
      "2001:db8:12::7 GET /siem/api/status 200",
      "192.168.0.1 GET /siem/api/status 200",
      "10.9.9.9 GET /siem/api/status 200",
      "fd00::1 GET /siem/api/status 200",
    ];
    const found = await reported(requests, ["198.51.100.0/24", "2001:db8:12::/48"]);
    assert.deepEqual([found.count, found.addresses], [0, []]);
    assert.deepEqual(found.proxy, { requests: 10, address: "203.0.113.1", fromAddress: 5 });
  });

  it("is nobody in particular where everybody may come", async () => {
    assert.equal((await reported(["203.0.113.1 GET /siem/ 200"], ["203.0.113.0/32"], true)).count, 0);
  });

  it("is nobody where there is no log stream yet", async () => {
    const options = { allowFrom: [], allowEveryone: false };
    const found = await readKibanaClients(send, "logs-dhis2-none", NETWORK, options);
    const proxy = { requests: 0, address: "", fromAddress: 0 };
    assert.deepEqual(found, { count: 0, newest: 0, addresses: [], proxy });
  });
});
