/** The variables that an action of an `.es-query` rule can use, and how Kibana fills them into the action's params. */
import mustache from "mustache";
import type { Json } from "../core/json";
import type { Firing } from "./es-query";
import { MATCHED } from "./rule";

/**
 * Returns the variables that the actions of our rules use, and `date`.
 * @param publicUrl Kibana's address for people, such as "https://dhis2.example.org/siem"
 */
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

/** Returns a template with the variables filled into every text, unescaped. Other values stay as they are. */
export function renderAll<T>(template: T, values: Json): T {
  // Kibana adds this to mustache: `asJSON` of a list is its JSON.
  const prepared: unknown = JSON.parse(JSON.stringify(values), (_, node: unknown) =>
    Array.isArray(node) ? Object.assign(node, { asJSON: () => JSON.stringify(node) }) : node,
  );
  const render = (text: string) => mustache.render(text, prepared, undefined, { escape: String });
  return JSON.parse(JSON.stringify(template), (_, node: unknown) =>
    typeof node === "string" ? render(node) : node,
  ) as T;
}
