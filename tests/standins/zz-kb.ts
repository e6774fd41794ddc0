import { mkdtempSync } from "node:fs";
import { createElasticstack } from "../../lab/standins/providers/elasticstack";
import { createKibana } from "../../lab/standins/kibana/server";
import { checkSettings } from "../../lab/standins/kibana/settings";
import { loadDetections } from "../../detections";
import { renderRule } from "../../render/rule";
import { renderDashboards, renderDataViews } from "../../render/dashboards";
import { loadDashboards } from "../../dashboards";
import { watchesSilence } from "../../detections/detection";
import { stableJson } from "../../render/json";
import { token } from "./providers-samples";
import { listen } from "./kibana-samples";
void (async () => {
  const folder = mkdtempSync("/tmp/measure/kb-");
  const settings = checkSettings({ "path.data": folder, "elasticsearch.hosts": ["http://127.0.0.1:19211"], "elasticsearch.username": "kibana_system", "elasticsearch.password": "kibpass1", "xpack.encryptedSavedObjects.encryptionKey": "k".repeat(32) } as never);
  const kibana = createKibana(settings, () => undefined);
  const url = await listen(kibana.server);
  const p = createElasticstack({});
  const login = { username: "elastic", password: "testpass" };
  p.configure?.({ elasticsearch: { ...login, endpoints: ["http://127.0.0.1:19211"] }, kibana: { ...login, endpoints: [url] } });
  await (await fetch(url + "/api/status", { headers: { authorization: "Basic " + Buffer.from("elastic:testpass").toString("base64") } })).text();
  const todo: [string, Record<string, unknown>][] = [["KibanaActionConnector", { name: "alerts", connectorTypeId: ".index", config: stableJson({ executionTimeField: "@timestamp", index: "a", refresh: true }) }]];
  for (const d of loadDetections()) { if (watchesSilence(d) && d.watched === undefined) continue; const r = renderRule(d, { dataStream: "logs-dhis2-default" }); todo.push(["KibanaAlertingRule", { ...r }]); }
  const dv = renderDataViews("default");
  for (const v of Object.values(dv)) todo.push(["KibanaDataView", { dataView: { ...v }, override: true }]);
  todo.push(["KibanaImportSavedObjects", { fileContents: renderDashboards(loadDashboards(), { logsView: dv.logs.id, alertsView: dv.alerts.id }), overwrite: true }]);
  todo.push(["KibanaSecurityRole", { name: "dhis2-siem-operator", elasticsearch: { clusters: ["monitor"], indices: [{ names: ["b", "a"], privileges: ["read", "view_index_metadata"] }] }, kibanas: [{ bases: ["all"], spaces: ["default"] }] }]);
  let connector = ""; let ok = 0;
  const undo: (() => Promise<void>)[] = [];
  for (const [kind, given] of todo) {
    let inputs = given;
    if (kind === "KibanaAlertingRule") inputs = { ...given, actions: (given.actions as object[]).map((a) => ({ ...a, id: connector })) };
    const about = { token: token(kind), name: kind, log: (_: string, l: string) => console.log("LOG", l) };
    try {
      const f = p.check?.(about.token, inputs).failures; if (f?.length) console.log("CHECK", kind, f);
      const { id, outputs } = await p.create(about, inputs);
      if (kind === "KibanaActionConnector") connector = String(outputs.connectorId);
      const d = p.diff(about.token, outputs, inputs, inputs);
      const r = await p.read!(about, id, outputs, inputs);
      const same = stableJson(r!.inputs as never) === stableJson(inputs as never), sameO = stableJson(r!.outputs as never) === stableJson(outputs as never);
      if (d.changed.length || !same || !sameO) { console.log(kind, inputs.name, d, same, sameO); for (const c of d.changed) console.log("  state ", JSON.stringify(outputs[c])?.slice(0, 1500), "\n  wanted", JSON.stringify(inputs[c])?.slice(0, 1500)); } else ok++;
      const u = await p.update!(about, id, outputs, inputs);
      if (p.diff(about.token, u, inputs, inputs).changed.length) console.log("after update");
      undo.unshift(() => p.delete(about, id, outputs));
    } catch (e) { console.log(kind, inputs.name, String(e).slice(0, 800)); }
  }
  for (const u of undo) await u().catch((e) => console.log("DELETE", String(e).slice(0, 300)));
  console.log(ok, "of", todo.length, "clean");
  await kibana.close(); process.exit(0);
})();
