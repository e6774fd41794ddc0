/** What an action of an `.es-query` rule can say of its alert, and how Kibana fills that into the action's params. */
import mustache from "mustache";
import type { Json } from "../core/json";
import type { Firing } from "./es-query";
import { MATCHED } from "./rule";

/** The variables that our rules' actions name, and `date`. `publicUrl` is Kibana's address for people. */
export function variables(
  { id, name }: { id: string; name: string },
  { alert, match }: Pick<Firing, "alert" | "match">,
  now: Date,
  publicUrl = "",
): Json {
  const date = now.toISOString();
  const link = `${publicUrl}/app/management/insightsAndAlerting/triggersActions/rule/${id}`;
  return {
    date,
    context: { date, value: match.value, hits: match.hits, link },
    rule: { id, name },
    alert: { id: match.id, uuid: alert.uuid, actionGroup: MATCHED },
  };
}

/** Renders every text in a template with the variables, unescaped; what is no text stays as it is. */
export function renderAll<T>(template: T, values: Json): T {
  // Kibana's addition to mustache: each list can be had as JSON.
  const prepared: unknown = JSON.parse(JSON.stringify(values), (_, node: unknown) =>
    Array.isArray(node) ? Object.assign(node, { asJSON: () => JSON.stringify(node) }) : node,
  );
  const render = (text: string) => mustache.render(text, prepared, undefined, { escape: String });
  return JSON.parse(JSON.stringify(template), (_, node: unknown) =>
    typeof node === "string" ? render(node) : node,
  ) as T;
}
