/** What Kibana 8.19 takes, as far as this project sends it: everything else is refused, with Kibana's words where it has some. */
import { randomUUID } from "node:crypto";
import { z } from "zod";

/** An answer other than success: the HTTP status and the message that Kibana would give. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Zod's complaints in the words of Kibana's own schema library; those that are not here stay zod's. */
function words(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  if (issue.code === "unrecognized_keys") return "definition for this key is missing";
  if (issue.code === "invalid_type") {
    const type = input === null ? "null" : Array.isArray(input) ? "Array" : typeof input;
    return `expected value of type [${issue.expected}] but got [${type}]`;
  }
  if (issue.code === "invalid_value") {
    const texts = issue.values.map((value) => `expected value to equal [${String(value)}]`);
    if (texts.length < 2) return texts[0];
    const path = (issue.path ?? []).join(".");
    return ["types that failed validation:", ...texts.map((text, i) => `- [${path}.${i}]: ${text}`)].join(
      "\n",
    );
  }
  return undefined;
}

/** Gives a value back with its defaults. Throws Kibana's 400 with the first complaint, `before[prefix.path]: complaint`. */
export function check<T extends z.ZodType>(schema: T, value: unknown, prefix = "", before = ""): z.output<T> {
  const result = schema.safeParse(value, { error: words });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = [...(prefix ? [prefix] : []), ...(issue?.path ?? []), ...unknown].join(".");
  throw new Refusal(400, `${before}[${path}]: ${issue?.message}`);
}

const texts = z.array(z.string());

const duration = z.string().regex(/^[1-9]\d*[smhd]$/, "string is not a valid duration");
const action = z.strictObject({
  id: z.string(),
  group: z.literal("query matched"),
  params: z.strictObject({ documents: z.array(z.record(z.string(), z.unknown())) }),
  uuid: z.string().default(() => randomUUID()),
  connector_type_id: z.literal(".index").default(".index"),
  frequency: z.strictObject({
    summary: z.literal(false),
    notify_when: z.enum(["onActionGroupChange", "onActiveAlert", "onThrottleInterval"]),
    throttle: duration.nullable().default(null),
  }),
});

/** The bodies of PUT and POST on a rule. */
export const ruleUpdate = z.strictObject({
  name: z.string(),
  tags: texts.default([]),
  schedule: z.strictObject({ interval: duration }),
  params: z.record(z.string(), z.unknown()),
  actions: z.array(action).default([]),
  // Here each action has its own.
  throttle: z.null().default(null),
  notify_when: z.null().default(null),
});
export const ruleCreate = ruleUpdate.extend({
  rule_type_id: z.string(),
  consumer: z.enum(["alerts", "stackAlerts", "logs", "infrastructure"]),
  enabled: z.boolean().default(true),
});

/** The bodies of PUT and POST on a connector, and the config of one that writes documents. */
export const connectorUpdate = z.strictObject({
  name: z.string(),
  config: z.record(z.string(), z.unknown()).default({}),
  secrets: z.record(z.string(), z.unknown()).default({}),
});
export const connectorCreate = connectorUpdate.extend({ connector_type_id: z.string() });
export const indexConfig = z.strictObject({
  index: z.string(),
  refresh: z.boolean().default(false),
  executionTimeField: z.string().nullable().default(null),
});

const view = z.strictObject({
  title: z.string(),
  name: z.string(),
  timeFieldName: z.string().optional(),
  allowNoIndex: z.boolean().default(false),
});
/** The bodies of POST on data views (a new one) and on one data view (a change). */
export const viewCreate = z.strictObject({
  data_view: view.extend({ id: z.string().default(() => randomUUID()) }),
  override: z.boolean().default(false),
});
export const viewUpdate = z.strictObject({ data_view: view });

/** The body of PUT on a role; what its Elasticsearch part says is for Elasticsearch to check. */
export const roleBody = z.strictObject({
  elasticsearch: z.strictObject({
    cluster: texts.default([]),
    indices: z.array(z.unknown()).default([]),
    run_as: texts.default([]),
  }),
  kibana: z.array(
    z.strictObject({ base: z.array(z.enum(["all", "read"])), spaces: z.array(z.literal("default")) }),
  ),
});

/** One line of an import. */
export const savedObject = z.object({
  type: z.string(),
  id: z.string(),
  attributes: z.looseObject({ title: z.string() }),
  references: z.array(z.object({ type: z.string(), id: z.string(), name: z.string() })).default([]),
  coreMigrationVersion: z.string().optional(),
  typeMigrationVersion: z.string().optional(),
});
/** A dashboard's attributes, as its type in Kibana lists them. */
export const DASHBOARD_ATTRIBUTES =
  "title description kibanaSavedObjectMeta timeRestore timeFrom timeTo refreshInterval controlGroupInput panelsJSON optionsJSON hits version".split(
    " ",
  );
