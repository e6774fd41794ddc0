import assert from "node:assert/strict";
import { parse } from "yaml";
import { renderElasticsearchYml, renderKibanaYml } from "../../render/elastic";

const ADDRESS = "192.0.2.200";
const settings = (yml: string) => parse(yml) as Record<string, unknown>;

describe("the servers' settings", () => {
  it("let Kibana listen on the container's address only", () => {
    const kibana = settings(renderKibanaYml("siem", ADDRESS, "https://dhis2.example.org/siem"));
    assert.equal(kibana["server.host"], ADDRESS);
  });

  it("let Elasticsearch listen on the container's address and on loopback, and its transport on loopback only", () => {
    const elasticsearch = settings(renderElasticsearchYml("siem", ADDRESS));
    assert.deepEqual(elasticsearch["network.host"], ["127.0.0.1", ADDRESS]);
    assert.equal(elasticsearch["transport.host"], "127.0.0.1");
    assert.equal(elasticsearch["discovery.type"], "single-node");
  });
});
