import type { Json } from "../../core/json";
import { deliverySchema, type Destination } from "../../config/delivery";
import { renderAlertDocument, type AlertingRule } from "../../pipelines";

const RULE_ID = "7e1f6f2a-0a4b-4b7e-9b53-0d4b8a3f9c11";

/** An alert as the connector writes it. */
export function alert(severity: AlertingRule["severity"], entity: string): Json {
  const document = renderAlertDocument({
    description: "Three logins of one user failed within five minutes.",
    severity,
    tags: [],
    note: "Ask the user; then look at the proxy.",
    window: "5m",
    threshold: ">= 3",
    count: "{{context.value}}",
    entityFields: ["user.name"],
    entity,
  });
  const hit = {
    "@timestamp": "2024-03-01T10:11:12.000Z",
    event: { original: `login of ${entity} failed\nBcc: <everybody@example.org> \`é\`` },
    dhis2: { container: { name: "dhis" }, site: "dhis2.example.org" },
  };
  const filled: Record<string, string> = {
    "{{rule.id}}": RULE_ID,
    "{{rule.name}}": "DHIS2 failed logins",
    "{{alert.id}}": entity,
    "{{context.value}}": "3",
    "{{context.hits.asJSON}}": JSON.stringify([{ _id: "e1", _source: hit }]),
  };
  const fill = (value: unknown): unknown =>
    typeof value === "string"
      ? (filled[value] ?? value)
      : Object.fromEntries(Object.entries(value as Json).map(([key, inner]) => [key, fill(inner)]));
  return { "@timestamp": new Date().toISOString(), ...(fill(document) as Json) };
}

/** A destination as the config gives it; minutes of grouping may be parts of one here. */
export function destination(given: Json, group = 0): Destination {
  const { destinations } = deliverySchema.parse({ destinations: [given] });
  return { ...(destinations[0] as Destination), group };
}
