/** What Kibana 8.19 accepts, as far as this project sends it. Everything else is refused, with Kibana's message if it has one. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";

/** Ends a request with the HTTP status and message that Kibana would send. */
export function refuse(status: number, message: string): never {
  throw new HTTPException(status as ContentfulStatusCode, { message });
}

/** Zod's errors as messages of Kibana's schema library. Errors that are not listed here keep zod's message. */
function words({ input, path, ...issue }: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") return "definition for this key is missing";
  if (issue.code === "invalid_type") {
    const type = input === null ? "null" : Array.isArray(input) ? "Array" : typeof input;
    return `expected value of type [${issue.expected}] but got [${type}]`;
  }
  if (issue.code !== "invalid_value") return undefined;
  const texts = issue.values.map((value) => `expected value to equal [${String(value)}]`);
  const failed = texts.map((text, i) => `\n- [${path?.join(".")}.${i}]: ${text}`);
  return texts.length === 1 ? texts[0] : `types that failed validation:${failed.join("")}`;
}

/** Returns a value with its defaults. Throws Kibana's 400 with the first error; `start` comes before the path in it. */
export function check<T extends z.ZodType>(schema: T, value: unknown, start = "["): z.output<T> {
  const result = schema.safeParse(value, { error: words });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return refuse(400, `${start}${[...(issue?.path ?? []), ...unknown].join(".")}]: ${issue?.message}`);
}

/** Returns a request's JSON with its defaults. Throws Kibana's 400. */
export async function checkBody<T extends z.ZodType>(schema: T, { req }: Context): Promise<z.output<T>> {
  return check(schema, await req.json(), "[request body.");
}

const text = z.string();
const no = z.boolean().default(false);
const anything = z.record(text, z.unknown());

/** The bodies of POST (a new connector) and PUT (an existing one), and the config of a connector that writes documents. */
export const connectorCreate = z.strictObject({
  name: text,
  connector_type_id: text,
  config: anything.default({}),
  secrets: anything.optional(),
});
export const connectorUpdate = connectorCreate.omit({ connector_type_id: true });
export const indexConfig = z.strictObject({
  index: text,
  refresh: no,
  executionTimeField: text.nullable().default(null),
});

const view = z.strictObject({ title: text, name: text, timeFieldName: text.optional(), allowNoIndex: no });
/** The bodies of POST for a new and for an existing data view. */
export const viewCreate = z.strictObject({
  data_view: view.extend({ id: text.optional() }),
  override: z.literal(true),
});
export const viewUpdate = z.strictObject({ data_view: view });

/** Kibana's features that this project's roles name, by their ids. */
export const FEATURES = ["actions", "dashboard", "discover", "stackAlerts", "visualize"] as const;

/** The body of PUT for a role. Elasticsearch checks its first part. */
export const role = z.strictObject({
  elasticsearch: anything,
  kibana: z.array(
    z
      .strictObject({
        base: z.array(z.enum(["all", "read"])).default([]),
        feature: z.partialRecord(z.enum(FEATURES), z.array(z.enum(["all", "read"]))).default({}),
        spaces: z.array(z.literal("default")),
      })
      .refine(
        ({ base, feature }) => base.length === 0 || Object.keys(feature).length === 0,
        "[feature] is not allowed together with [base]",
      ),
  ),
});

/** One line of an imported file. */
export const savedObject = z.object({
  type: text,
  id: text,
  attributes: anything,
  references: z.array(z.object({ type: text, id: text, name: text })).default([]),
});
