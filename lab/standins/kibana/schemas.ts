import { z } from "zod";

const milliseconds = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** The milliseconds of a duration such as `5m`. */
export function parseDuration(text: string): number {
  return parseInt(text, 10) * milliseconds[text.slice(-1) as keyof typeof milliseconds];
}

const duration = z.string().refine((text) => /^[1-9]\d*[smhd]$/.test(text), {
  error: ({ input }) => `string is not a valid duration: ${String(input)}`,
});
const notifyWhen = z.enum(["onActionGroupChange", "onActiveAlert", "onThrottleInterval"]);
const filled = z.string().min(1);

const oneOf = (name: string, values: string[]) =>
  z.string().refine((value) => values.includes(value), {
    error: ({ input }) => `invalid ${name}: "${String(input)}"`,
  });

const common = {
  size: z.number().min(0).max(10000),
  timeWindowSize: z.number().min(1),
  timeWindowUnit: oneOf("timeWindowUnit", ["s", "m", "h", "d"]),
  threshold: z.array(z.number()).min(1).max(2),
  thresholdComparator: z.enum([">", "<", ">=", "<=", "between", "notBetween"]),
  excludeHitsFromPreviousRun: z.boolean().default(true),
  aggType: oneOf("aggType", ["count", "avg", "max", "min", "sum"]).default("count"),
  aggField: filled.optional(),
  groupBy: oneOf("groupBy", ["all", "top", "row"]).default("all"),
  termField: z.union([filled, z.array(z.string()).min(2).max(4)]).optional(),
  termSize: z.number().min(1).optional(),
  sourceFields: z
    .array(z.strictObject({ label: z.string(), searchPath: z.string() }))
    .max(5)
    .optional(),
};
const never = z.never().optional();

interface Grouping {
  aggType: string;
  aggField?: string;
  groupBy: string;
  termField?: string | string[];
  termSize?: number;
  threshold: number[];
  thresholdComparator: string;
}

/** What Kibana's own function finds wrong in parameters whose keys and types are right. */
function groupingProblem(params: Grouping): string | undefined {
  const { thresholdComparator: comparator, termField, termSize } = params;
  if (comparator.toLowerCase().endsWith("between") && params.threshold.length === 1)
    return `[threshold]: must have two elements for the "${comparator}" comparator`;
  if (params.aggType !== "count" && !params.aggField)
    return `[aggField]: must have a value when [aggType] is "${params.aggType}"`;
  if (params.groupBy === "row")
    return "[groupBy]: groupBy should be all or top when [searchType] is not esqlQuery";
  if (params.groupBy !== "top") return undefined;
  if (termField === undefined) return "[termField]: termField required when [groupBy] is top";
  if (termSize === undefined) return "[termSize]: termSize required when [groupBy] is top";
  return termSize > 1000 ? "[termSize]: must be less than or equal to 1000" : undefined;
}

function queryProblem(text: string): string | undefined {
  try {
    const query = JSON.parse(text) as { query?: unknown } | null;
    return query && !query.query ? '[esQuery]: must contain "query"' : undefined;
  } catch {
    return "[esQuery]: must be valid JSON";
  }
}

/** Parameters of an `.es-query` rule with a query in Elasticsearch's DSL. */
export const dslParams = z
  .strictObject({
    ...common,
    searchType: z.literal("esQuery").default("esQuery"),
    timeField: filled,
    esQuery: filled,
    index: z.array(filled).min(1),
    esqlQuery: never,
    searchConfiguration: never,
  })
  .superRefine((params, context) => {
    const problem = groupingProblem(params) ?? queryProblem(params.esQuery);
    if (problem) context.addIssue(problem);
  });

/** Parameters of an `.es-query` rule in ES|QL. */
export const esqlParams = z
  .strictObject({
    ...common,
    searchType: z.literal("esqlQuery"),
    timeField: filled.optional(),
    esqlQuery: z.strictObject({ esql: filled }),
    esQuery: never,
    index: never,
    searchConfiguration: never,
  })
  .superRefine(({ timeField, thresholdComparator, threshold }, context) => {
    if (!timeField) context.addIssue("[timeField]: is required");
    else if (thresholdComparator !== ">")
      context.addIssue("[thresholdComparator]: is required to be greater than");
    else if (threshold[0] !== 0) context.addIssue("[threshold]: is required to be 0");
  });

const action = z.strictObject({
  id: z.string(),
  group: z.string().optional(),
  params: z.record(z.string(), z.unknown()).default({}),
  uuid: z.string().optional(),
  connector_type_id: z.string().optional(),
  frequency: z
    .strictObject({
      summary: z.literal(false, "the lab's stand-in for Kibana makes no summaries"),
      notify_when: notifyWhen,
      throttle: duration.nullable().default(null),
    })
    .optional(),
});

const changeable = {
  name: z.string(),
  tags: z.array(z.string()).default([]),
  schedule: z.strictObject({ interval: duration }),
  throttle: duration.nullable().default(null),
  params: z.record(z.string(), z.unknown()).default({}),
  actions: z.array(action).default([]),
  notify_when: notifyWhen.nullable().default(null),
  alert_delay: z.strictObject({ active: z.number().min(1) }).optional(),
  flapping: z
    .strictObject({
      look_back_window: z.number(),
      status_change_threshold: z.number(),
      enabled: z.boolean().optional(),
    })
    .nullable()
    .optional(),
};

/** The bodies of PUT and POST on a rule. */
export const ruleUpdate = z.strictObject(changeable);
export const ruleCreate = z.strictObject({
  ...changeable,
  rule_type_id: z.string(),
  consumer: z.string(),
  enabled: z.boolean().default(true),
});

const connectorUpdateShape = {
  name: z.string(),
  config: z.record(z.string(), z.unknown()).default({}),
  secrets: z.record(z.string(), z.unknown()).default({}),
};
/** The bodies of PUT and POST on a connector, and each free connector's own config. */
export const connectorUpdate = z.strictObject(connectorUpdateShape);
export const connectorCreate = z.strictObject({ ...connectorUpdateShape, connector_type_id: z.string() });
export const connectorConfigs: Record<string, z.ZodType<Record<string, unknown>>> = {
  ".index": z.strictObject({
    index: z.string(),
    refresh: z.boolean().default(false),
    executionTimeField: z.string().nullable().default(null),
  }),
  ".server-log": z.strictObject({}),
};
export const goldConnectors = ".email .jira .pagerduty .servicenow .slack .slack_api .teams .webhook".split(
  " ",
);

/** An object with these keys and no others, whatever they hold. */
const keys = <K extends string>(...names: K[]) => {
  const shape = Object.fromEntries(names.map((name) => [name, z.unknown().optional()]));
  return z.strictObject(shape as Record<K, z.ZodOptional<z.ZodUnknown>>);
};

const dataView = keys(
  "timeFieldName",
  "sourceFilters",
  "fieldFormats",
  "fieldAttrs",
  "fields",
  "runtimeFieldMap",
  "type",
  "typeMeta",
  "allowNoIndex",
  "allowHidden",
).extend({ title: z.string(), name: z.string().optional() });
const refresh_fields = z.boolean().optional();
/** The bodies of POST on data views (new), on one data view (changed) and on the default. */
export const dataViewCreate = z.strictObject({
  data_view: dataView.extend({
    id: z.string().optional(),
    version: z.string().optional(),
    namespaces: z.unknown().optional(),
  }),
  override: z.boolean().default(false),
  refresh_fields,
});
export const dataViewUpdate = z.strictObject({ data_view: dataView.partial(), refresh_fields });
export const defaultDataView = z.strictObject({
  data_view_id: z.string().nullable(),
  force: z.boolean().default(false),
});

const names = z.array(z.string());
/** The body of PUT on a role; what is in its Elasticsearch part is for Elasticsearch to check. */
export const roleBody = keys("description", "metadata").extend({
  elasticsearch: keys("cluster", "indices", "run_as", "remote_indices", "remote_cluster"),
  kibana: z
    .array(
      z.strictObject({
        base: names.default([]),
        feature: z.record(z.string(), names).default({}),
        spaces: names.default(["*"]),
      }),
    )
    .default([]),
});

/** A dashboard's attributes, as its type in Kibana lists them; the parts in JSON are texts. */
export const dashboardAttributes = keys(
  "description",
  "kibanaSavedObjectMeta",
  "timeRestore",
  "timeFrom",
  "timeTo",
  "refreshInterval",
  "controlGroupInput",
  "hits",
  "version",
).extend({ title: z.string(), panelsJSON: z.string().optional(), optionsJSON: z.string().optional() });
