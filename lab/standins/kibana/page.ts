import type { Login } from "./login";
import type { Runner } from "./runner";
import { isObject, type Json } from "./words";

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
const row = (...cells: string[]) => `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`;

function field(document: Json, path: string): string {
  const value = path
    .split(".")
    .reduce<unknown>((here, key) => (isObject(here) ? here[key] : undefined), document);
  return typeof value === "string" ? value.slice(0, 300) : "";
}

/** The documents that the `.index` connectors wrote last, as far as this user may read them. */
async function newestAlerts({ store, elasticsearch }: Runner, login: Login): Promise<Json[]> {
  const indices = Object.values(store.state.connectors).flatMap(({ config }) =>
    typeof config.index === "string" ? [encodeURIComponent(config.index)] : [],
  );
  if (indices.length === 0) return [];
  const path = `/${indices.join(",")}/_search?ignore_unavailable=true&allow_no_indices=true`;
  const sort = [{ "@timestamp": { order: "desc", unmapped_type: "date" } }];
  const { status, body } = await elasticsearch.call("POST", path, login.auth, { size: 20, sort });
  return status === 200 ? (body.hits as { hits: { _source: Json }[] }).hits.map((hit) => hit._source) : [];
}

/** The one page a person sees: what this is, the newest alerts and the names of the dashboards. */
export async function page(runner: Runner, login: Login): Promise<string> {
  const alerts = (await newestAlerts(runner, login)).map((alert) =>
    row(field(alert, "@timestamp"), field(alert, "rule.name"), field(alert, "message")),
  );
  const dashboards = Object.values(runner.store.state.objects)
    .filter(({ type }) => type === "dashboard")
    .map(({ attributes }) => row(String(attributes.title)));
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Stand-in for Kibana</title>
<h1>This is the lab's stand-in for Kibana</h1>
<p>It answers Kibana's HTTP API and runs its rules. Dashboards are drawn by the real Kibana only.</p>
<h2>Newest alerts</h2><table>${alerts.join("\n")}</table>
<h2>Dashboards</h2><table>${dashboards.join("\n")}</table></html>`;
}
