/** What Kibana 8.19 takes, as far as this project sends it: everything else is refused, with Kibana's words where it has some. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";

/** Ends a call with the HTTP status and the message that Kibana would give. */
export function refuse(status: number, message: string): never {
  throw new HTTPException(status as ContentfulStatusCode, { message });
}

/** Zod's complaints in the words of Kibana's own schema library; those that are not here stay zod's. */
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

/** Gives a value back with its defaults. Throws Kibana's 400 with the first complaint; `start` comes before its path. */
export function check<T extends z.ZodType>(schema: T, value: unknown, start = "["): z.output<T> {
  const result = schema.safeParse(value, { error: words });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return refuse(400, `${start}${[...(issue?.path ?? []), ...unknown].join(".")}]: ${issue?.message}`);
}

/** A call's JSON with its defaults. Throws Kibana's 400. */
export async function checkBody<T extends z.ZodType>(schema: T, { req }: Context): Promise<z.output<T>> {
  return check(schema, await req.json(), "[request body.");
}

const text = z.string();
const no = z.boolean().default(false);
const anything = z.record(text, z.unknown());

/** The bodies of POST on connectors (a new one) and of PUT on one, and the config of one that writes documents. */
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
/** The bodies of POST on data views (a new one) and on one of them. */
export const viewCreate = z.strictObject({
  data_view: view.extend({ id: text.optional() }),
  override: z.literal(true),
});
export const viewUpdate = z.strictObject({ data_view: view });

/** The body of PUT on a role; what its first part says is for Elasticsearch to check. */
export const role = z.strictObject({
  elasticsearch: anything,
  kibana: z.array(
    z.strictObject({ base: z.array(z.enum(["all", "read"])), spaces: z.array(z.literal("default")) }),
  ),
});

/** One line of an import. */
export const savedObject = z.object({
  type: text,
  id: text,
  attributes: anything,
  references: z.array(z.object({ type: text, id: text, name: text })).default([]),
});
