import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listenAnywhere } from "../../core/ports";
import type { Standin, Subject } from "../../lab/standins/pulumi/serve";
import { createElasticstack } from "../../lab/standins/pulumi/elasticstack";
import { certificate } from "../../lab/bench/ssh-servers";
import { SAMPLES, token } from "./providers-samples";
import { type Servers, startServers } from "./providers-servers";

const LOGIN = { username: "elastic", password: "t0p-secret" };

function subject(kind: string): Subject {
  return { token: token(kind), name: "x", log: () => undefined };
}

function inputsOf(kind: string): Record<string, unknown> {
  const sample = SAMPLES[kind];
  assert.ok(sample, kind);
  return sample.inputs;
}

describe("the stand-in for elasticstack and its servers", () => {
  let servers: Servers;
  let provider: Standin;

  beforeEach(async () => {
    servers = await startServers();
    provider = createElasticstack();
    const block = JSON.stringify({ ...LOGIN, endpoints: [servers.url] });
    provider.configure?.({ elasticsearch: block, kibana: block });
  });
  afterEach(() => servers.close());

  it("takes the servers' certificate from its configuration, and no other", async () => {
    const folder = mkdtempSync(join(tmpdir(), "elasticstack-standin-"));
    const { key, cert } = certificate();
    const file = join(folder, "ca.pem");
    writeFileSync(file, cert);
    const tls = createTls({ key, cert }, (request, response) => {
      response.setHeader("x-elastic-product", "Elasticsearch");
      response.end(request.url === "/" ? `{"cluster_uuid":"c"}` : `{"id":"1","i":{}}`);
    });
    const endpoints = [`https://127.0.0.1:${await listenAnywhere(tls)}`];
    try {
      provider.configure?.({
        elasticsearch: { endpoints, caData: cert },
        kibana: { endpoints, caCerts: [file] },
      });
      await provider.create(subject("ElasticsearchIndex"), { name: "i" });
      await provider.create(subject("KibanaActionConnector"), inputsOf("KibanaActionConnector"));
      provider.configure?.({ elasticsearch: { endpoints }, kibana: { endpoints } });
      const refused = /self-signed certificate/;
      await assert.rejects(provider.create(subject("ElasticsearchIndex"), { name: "i" }), refused);
      await assert.rejects(provider.create(subject("KibanaSecurityRole"), { name: "r" }), refused);
    } finally {
      tls.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("says the status and the server's words, and no credentials", async () => {
    const inputs = inputsOf("KibanaActionConnector");
    servers.fail(
      403,
      `{"message":"Action type .slack is disabled because your basic license does not support it"}`,
    );
    await assert.rejects(provider.create(subject("KibanaActionConnector"), inputs), (error: Error) => {
      assert.match(
        error.message,
        /POST \/s\/default\/api\/actions\/connector was answered with 403.*basic license/,
      );
      assert.ok(!error.message.includes(LOGIN.password));
      return true;
    });
    // Nothing listens on port 1.
    provider.configure?.({ kibana: { ...LOGIN, endpoints: ["http://127.0.0.1:1"] } });
    await assert.rejects(
      provider.create(subject("KibanaActionConnector"), inputs),
      /Kibana at http:\/\/127\.0\.0\.1:1: POST .*ECONNREFUSED/,
    );
  });

  it("asks Kibana below the path of its endpoint, as the stack's has one", async () => {
    provider.configure?.({ kibana: { ...LOGIN, endpoints: [`${servers.url}/siem`] } });
    await provider.create(subject("KibanaActionConnector"), inputsOf("KibanaActionConnector"));
    const paths = servers.calls.map(({ path }) => path.replace(/[^/]{36}$/, "ID"));
    const connector = "/siem/s/default/api/actions/connector";
    assert.deepEqual(paths, [connector, `${connector}/ID`]);
  });

  it("talks to no server that does not say it is Elasticsearch", async () => {
    const other = createServer((_request, response) => response.end("{}"));
    const url = `http://127.0.0.1:${await listenAnywhere(other)}`;
    provider.configure?.({ elasticsearch: { ...LOGIN, endpoints: [url] } });
    try {
      await assert.rejects(
        provider.create(subject("ElasticsearchIndex"), { name: "i" }),
        /the server is not Elasticsearch/,
      );
    } finally {
      other.close();
    }
  });

  it("needs its CA file when it is configured", () => {
    assert.throws(
      () => provider.configure?.({ kibana: { caCerts: ["no/such/ca.pem"] } }),
      /no such file or directory, open 'no\/such\/ca\.pem'/,
    );
    assert.throws(
      () => provider.configure?.({ kibana: { insecure: true } }),
      /does not know insecure of the provider/,
    );
  });

  it("is for one provider in one version", () => {
    const parameter = (version: string) =>
      JSON.stringify({ remote: { url: "registry.opentofu.org/elastic/elasticstack", version } });
    provider.parameterize?.(parameter("0.11.17"));
    assert.throws(() => provider.parameterize?.(parameter("0.15.2")), /only for .*0\.11\.17/);
  });
});
