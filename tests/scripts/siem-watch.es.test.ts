import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { dropLogStream, putLogStream } from "../../commands/elasticsearch/pipelines";
import { watchPrivileges } from "../../components/siem-watch";
import type { Json } from "../../core/json";
import { certificate } from "../../lab/bench/ssh-servers";
import { type Kibana, openKibana } from "../../lab/standins/kibana/kibana";
import { createServer } from "../../lab/standins/kibana/server";
import { checkSettings } from "../../lab/standins/kibana/settings";
import { renderPipelines } from "../../pipelines";
import { LATENESS_MINUTES } from "../../pipelines/lateness";
import { renderOperatorRole } from "../../render/roles";
import { renderWatch } from "../../render/watch";
import { type Call, caller, listen, ruleBody, ruleId, settings as samples } from "../standins/kibana-samples";

const NAMESPACE = "watch";
const ALERTS = `alerts-dhis2-${NAMESPACE}`;
const PASSWORD = "for-this-test-only";
const PROGRAM = join(__dirname, "../../scripts/siem-watch.py");
/** Runs the program with its files in another folder, and one look as enough to report. */
const DRIVER = `
import importlib.util, sys
spec = importlib.util.spec_from_file_location("watch", sys.argv[1])
watch = importlib.util.module_from_spec(spec); spec.loader.exec_module(watch)
watch.SETTINGS, watch.STATE, watch.LOOKS = sys.argv[2], sys.argv[2] + "/state.json", 1
watch.main()`;

/** The real program against a real Elasticsearch and the stand-in for Kibana. */
describe("the SIEM's watch over itself, on real servers", function () {
  this.timeout(400_000);
  const folder = mkdtempSync(join(tmpdir(), "siem-watch-"));
  const path = `/api/alerting/rule/${ruleId}`;
  const open: Server[] = [];
  let elasticsearch: RealElasticsearch;
  let kibana: Kibana;
  let asElastic: (method: string, path: string, body?: object) => Promise<Json>;
  let as: (user: string) => Call;

  before(async () => {
    elasticsearch = await realElasticsearch();
    const dataStream = await putLogStream(elasticsearch, NAMESPACE, LATENESS_MINUTES);
    const target = { dataStream, alertIndex: ALERTS };
    const pipelines = renderPipelines(NAMESPACE);
    const settings = { "index.default_pipeline": pipelines.alerts.name };
    await elasticsearch.call("PUT", `/${ALERTS}`, { settings });
    for (const user of ["elastic", "kibana_system"])
      await elasticsearch.call("POST", `/_security/user/${user}/_password`, { password: PASSWORD });
    await elasticsearch.call("PUT", "/_security/user/siem-rules", {
      password: PASSWORD,
      roles: ["superuser"],
    });
    const login = `Basic ${Buffer.from(`elastic:${PASSWORD}`).toString("base64")}`;
    asElastic = async (method, where, body) => {
      const response = await fetch(`http://127.0.0.1:${elasticsearch.port}${where}`, {
        method,
        headers: { authorization: login, "content-type": "application/json" },
        body: body && JSON.stringify(body),
      });
      return (await response.json()) as Json;
    };
    kibana = openKibana(
      checkSettings({
        ...samples,
        "elasticsearch.hosts": [`http://127.0.0.1:${elasticsearch.port}`],
        "elasticsearch.password": PASSWORD,
        "path.data": folder,
      }),
      () => undefined,
    );
    const server = createServer(kibana);
    open.push(server);
    const url = await listen(server);
    as = (user) => caller(url, `${user}:${PASSWORD}`);
    assert.equal((await as("siem-rules")("POST", path, { ...ruleBody, actions: [] })).status, 200);
    const key = await asElastic("POST", "/_security/api_key", {
      name: "dhis2-siem-watch.1",
      role_descriptors: watchPrivileges(dataStream, ALERTS),
      metadata: { container: "siem", site: "dhis2.example.org", type: "es_siem" },
    });
    const role = renderOperatorRole(target);
    await elasticsearch.call("PUT", "/_security/role/dhis2-siem-operator", {
      indices: role.indices,
      applications: [
        {
          application: "kibana-.kibana",
          privileges: Object.entries(role.features).map(([name, one]) => `feature_${name}.${one}`),
          resources: ["space:default"],
        },
      ],
    });
    const expected = renderWatch({
      rules: [{ ruleId, name: ruleBody.name }],
      rulesUser: "siem-rules",
      savers: ["siem-rules"],
      users: { "siem-rules": "superuser" },
      roles: { "dhis2-siem-operator": role },
      keys: ["dhis2-siem-watch"],
      pipelines: [...pipelines.logs, pipelines.alerts],
      indexPipelines: {
        [dataStream]: { "index.final_pipeline": pipelines.entry },
        [ALERTS]: { "index.default_pipeline": pipelines.alerts.name },
      },
    });
    const here = { container: "siem", dataStream, elasticsearch: `http://127.0.0.1:${elasticsearch.port}` };
    writeFileSync(join(folder, "watch.json"), JSON.stringify({ ...here, kibana: url, expected }));
    writeFileSync(join(folder, "key"), String(key.encoded));
    writeFileSync(join(folder, "ca.crt"), certificate().cert);
  });
  after(async () => {
    for (const server of open) server.close().closeAllConnections();
    await elasticsearch.call("DELETE", "/_security/user/siem-rules").catch(() => undefined);
    await elasticsearch.call("DELETE", "/_security/role/dhis2-siem-operator").catch(() => undefined);
    await elasticsearch.call("DELETE", `/${ALERTS}?ignore_unavailable=true`);
    await dropLogStream(elasticsearch, NAMESPACE);
    rmSync(folder, { recursive: true });
  });

  /** What a look reports of what this test made: other suites have users, roles and keys in the same Elasticsearch. */
  async function look(): Promise<string[]> {
    const { stdout } = await promisify(execFile)("python3", ["-B", "-c", DRIVER, PROGRAM, folder]);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, string>);
    const ours = /Failed logins|watch|dhis2-siem-operator|mallory/;
    return lines
      .filter(({ what, path: on }) => what === "watch-done" || ours.test(on ?? ""))
      .map(({ what, path: on, by, detail }) =>
        what === "watch-done" ? "done" : `${what}: ${on} by ${by}: ${detail}`,
      );
  }
  const ran = () => {
    const rule = kibana.saved.alert[ruleId] ?? assert.fail();
    rule.execution_status = { status: "ok", last_execution_date: new Date().toISOString() };
  };

  it("finds nothing on what was deployed, and then each change by hand, once", async () => {
    ran();
    assert.deepEqual(await look(), ["done"]);
    await as("elastic")("POST", `${path}/_disable`);
    await asElastic("PUT", "/_security/user/mallory", { password: PASSWORD, roles: ["superuser"] });
    await asElastic("POST", "/_security/api_key", { name: "mallory's" });
    await asElastic("PUT", "/_security/role/dhis2-siem-operator", { cluster: ["all"] });
    const [pipeline = ""] = renderPipelines(NAMESPACE).logs.map(({ name }) => name);
    await asElastic("PUT", `/_ingest/pipeline/${pipeline}`, { processors: [{ drop: {} }] });
    await asElastic("PUT", `/${ALERTS}/_settings`, { "index.default_pipeline": "_none" });
    assert.deepEqual(await look(), [
      `rule-changed: ${ruleBody.name} by elastic: changed`,
      `rule-changed: ${ruleBody.name} by elastic: disabled`,
      "account-changed: user mallory by null: made",
      "account-changed: role dhis2-siem-operator by null: has other rights",
      "key-changed: key mallory's by elastic: made",
      `pipeline-changed: pipeline ${pipeline} by null: changed`,
      `pipeline-changed: index.default_pipeline of ${ALERTS} by null: is _none`,
      "done",
    ]);
    assert.deepEqual(await look(), ["done"]);
    await asElastic("DELETE", "/_security/user/mallory");
  });

  it("writes lines that name the SIEM's container, whatever they say", async () => {
    await elasticsearch.call("POST", `/logs-dhis2-${NAMESPACE}/_refresh`);
    const query = { term: { "event.action": "account-changed" } };
    const { hits } = await elasticsearch.call("POST", `/logs-dhis2-${NAMESPACE}/_search`, { query });
    const [found] = (hits as { hits: { _source: Json }[] }).hits;
    const { container } = found?._source.dhis2 as { container: Json };
    assert.deepEqual(container, { name: "siem", type: "es_siem" });
  });
});
