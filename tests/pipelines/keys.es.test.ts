import assert from "node:assert/strict";
import type { Json } from "../../core/json";
import { agentPrivileges, keyMetadata } from "../../components/agent";
import type { SiteContainer } from "../../config/site";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { dropLogStream, putLogStream } from "../../commands/elasticsearch/pipelines";

const NAMESPACE = "keys";
const DHIS = { name: "dhis", type: "dhis2" } as SiteContainer;
const PROXY = { name: "proxy", type: "nginx_proxy" } as SiteContainer;
const DENIED =
  '203.0.113.9 - - [01/Mar/2024:10:11:12 +0000] "POST /api/auth/login HTTP/1.1" 401 150 "-" "curl/8.4.0"';

describe("an agent's key", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let stream: string;
  const keys: string[] = [];
  before(async function () {
    elasticsearch = await realElasticsearch();
    stream = await putLogStream(elasticsearch, NAMESPACE);
    for (const container of [DHIS, PROXY]) {
      const made = await elasticsearch
        .call("POST", "/_security/api_key", {
          name: container.name,
          role_descriptors: agentPrivileges(stream),
          metadata: JSON.parse(keyMetadata(container, "dhis2.example.org")) as object,
        })
        .catch((error: unknown) => {
          if (/no handler found/.test(String(error))) return this.skip();
          throw error;
        });
      keys.push(String(made.encoded));
    }
  });
  after(() => dropLogStream(elasticsearch, NAMESPACE));

  /** Writes an event; gives the document that became of it. */
  async function written(as: RealElasticsearch, event: Json, parameters = ""): Promise<Json> {
    const { _index, _id } = await as.call("POST", `/${stream}/_doc${parameters}`, event);
    const { _source } = await elasticsearch.call("GET", `/${String(_index)}/_doc/${String(_id)}`);
    return _source as Json;
  }
  const withKey = (index: number) => elasticsearch.withKey(keys[index] ?? assert.fail());
  const event = (container: SiteContainer, more: Json = {}) => ({
    "@timestamp": "2024-03-01T10:11:12Z",
    message: DENIED,
    syslog: { identifier: "nginx_access" },
    dhis2: { site: "elsewhere.example.org", container: { name: container.name, type: container.type } },
    ...more,
  });

  /** What a document says of where it is from. */
  const from = ({ dhis2, host }: Json) => ({ dhis2, host });
  const OF_DHIS = { dhis2: { site: "dhis2.example.org", container: DHIS }, host: { name: "dhis" } };
  const OF_PROXY = { dhis2: { site: "dhis2.example.org", container: PROXY }, host: { name: "proxy" } };

  it("writes in its container's name", async () => {
    assert.deepEqual(from(await written(withKey(0), event(DHIS))), OF_DHIS);
    assert.deepEqual(from(await written(withKey(1), event(PROXY))), OF_PROXY);
  });

  it("cannot write in another's, whatever the event is made of", async () => {
    const forged: Json[] = [
      event(PROXY),
      event(PROXY, { host: { name: "proxy" }, "dhis2.container.name": "proxy" }),
      event(PROXY, { _tmp: { api_key: { metadata: { container: "proxy", type: "nginx_proxy" } } } }),
      event(PROXY, { _tmp: "text" }),
      event(PROXY, { dhis2: "text" }),
      event(PROXY, { message: { not: "a text" }, event: [], log: 7 }),
      // What the pipelines fail on is kept too.
      event(PROXY, { process: { pid: [{}] }, tags: "text" }),
    ];
    for (const one of forged) {
      assert.deepEqual(from(await written(withKey(0), one)), OF_DHIS, JSON.stringify(one));
    }
  });

  it("cannot go round the pipelines", async () => {
    for (const parameters of ["?pipeline=_none", `?pipeline=dhis2-siem-${NAMESPACE}-web`]) {
      const document = await written(
        withKey(0),
        event(PROXY, { event: { dataset: "dhis2.audit", ingested: "2020-01-01T00:00:00Z" } }),
        parameters,
      ).catch((error: unknown) => String(error));
      // A pipeline that cannot be alone refuses the event.
      if (typeof document === "string") {
        assert.match(document, /: 400 /);
        continue;
      }
      assert.deepEqual(from(document), OF_DHIS);
      const { dataset, ingested, original } = document.event as Json;
      assert.equal(dataset, "nginx.access");
      assert.equal(original, DENIED);
      assert.ok(Date.now() - Date.parse(String(ingested)) < 600_000);
    }
  });

  it("is needed for that: who comes with no key is believed", async () => {
    const { dhis2 } = await written(elasticsearch, event(PROXY));
    assert.deepEqual(dhis2, { site: "elsewhere.example.org", container: PROXY });
  });
});
