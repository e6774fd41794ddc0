/** What an action of an `.es-query` rule can say of its alert, and how Kibana fills that into the action's params. */
import mustache from "mustache";
import { type Json, type Match, MATCHED } from "../../../tools/detections/es-query";
import type { Params } from "../../../tools/detections/params";

/** Of the rule and the alert, what templates can name. */
interface Fired {
  readonly rule: { id: string; name: string; tags: readonly string[]; params: unknown };
  readonly params: Params;
  readonly alert: { uuid: string; consecutive: number };
  readonly match: Match;
}

const COMPARATORS = {
  ">": "greater than",
  ">=": "greater than or equal to",
  "<": "less than",
  "<=": "less than or equal to",
};

/** The variables of an action's templates. `publicUrl` is Kibana's address for people. */
export function variables({ rule, params, alert, match }: Fired, now: Date, publicUrl?: string): Json {
  const { timeWindowSize, timeWindowUnit, index } = params;
  const limit = `${COMPARATORS[params.thresholdComparator]} ${params.threshold[0]}`;
  const group = params.termField ? match.id : undefined;
  const indices = `${index.join(", ")} ${index.length === 1 ? "index" : "indices"}`;
  const link = `${publicUrl ?? ""}/app/management/insightsAndAlerting/triggersActions/rule/${rule.id}`;
  return {
    context: {
      title: `rule '${rule.name}' matched query${group ? ` for group ${group}` : ""}`,
      message: `Document count is ${match.value} in the last ${timeWindowSize}${timeWindowUnit}${group ? ` for ${group}` : ""} in ${indices}. Alert when ${limit}.`,
      conditions: `Number of matching documents${group ? ` for group "${group}"` : ""} is ${limit}`,
      date: now.toISOString(),
      value: match.value,
      hits: match.hits,
      link,
    },
    date: now.toISOString(),
    kibanaBaseUrl: publicUrl,
    rule: {
      id: rule.id,
      name: rule.name,
      type: ".es-query",
      spaceId: "default",
      tags: rule.tags,
      params: rule.params,
      url: publicUrl && link,
    },
    alert: {
      id: match.id,
      uuid: alert.uuid,
      actionGroup: MATCHED,
      flapping: false,
      consecutiveMatches: alert.consecutive,
    },
  };
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Puts `value` where the dotted key says, as far as no other value stands in the way. */
function expand(target: Json, [key = "", ...rest]: string[], value: unknown): void {
  if (key === "__proto__") return;
  if (rest.length === 0) target[key] = value;
  else expand(isObject(target[key]) ? target[key] : (target[key] = {}), rest, value);
}

/** Makes objects print as JSON, gives arrays `asJSON`, and dotted keys their tree beside them. */
function prepare(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(prepare);
    return Object.assign(items, { asJSON: () => JSON.stringify(items) });
  }
  if (!isObject(value)) return value;
  const copy: Json = { ...value };
  for (const key of Object.keys(value)) if (key.includes(".")) expand(copy, key.split("."), value[key]);
  for (const key of Object.keys(copy)) copy[key] = prepare(copy[key]);
  const toString = { value: () => JSON.stringify(copy), enumerable: false };
  return Object.hasOwn(copy, "toString") ? copy : Object.defineProperty(copy, "toString", toString);
}

/** Renders every text in a template with the variables, unescaped; what is no text stays as it is. */
export function renderAll<T>(template: T, values: Json): T {
  const prepared = prepare(JSON.parse(JSON.stringify(values)));
  const render = (text: string) => mustache.render(text, prepared, undefined, { escape: String });
  return JSON.parse(JSON.stringify(template), (_, node: unknown) =>
    typeof node === "string" ? render(node) : node,
  ) as T;
}
