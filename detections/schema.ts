import { z } from "zod";
import { SEVERITIES } from "../core/values";

/**
 * A detection's file: YAML documents in the Sigma format. One document is a rule about single events. Several are base
 * rules, and last the correlation that is the detection. Beside Sigma's own keys, the last has `note`, `tests` and,
 * where it applies, `entity` and `containers` (Sigma allows keys of one's own).
 */

const text = z.string().trim().min(1);
const field = z.string().regex(/^[@a-z][a-z0-9_.]*$/, "is no field's name");
const fields = z.array(field).min(1);
const ruleName = z.string().regex(/^[a-z][a-z0-9_]*$/, "takes small letters, digits and underscores");
const duration = z.string().regex(/^(0|[1-9]\d*)[smhd]$/, 'is no duration such as "90s", "5m", "1h" or "1d"');
const someTime = duration.refine((span) => !span.startsWith("0"), "is no time at all");
/** Not less than Kibana's rules wait between two runs (INTERVAL in render/rule.ts): it refuses an action's throttle that is shorter. */
const timespan = someTime.refine(
  (span) => !/^[1-5]?\d?s$/.test(span),
  "is shorter than a minute, and rules run once a minute",
);

/** Where a line was read: the journal (by its identifier) or a file. */
const source = {
  container: text,
  type: text,
  journal: text.optional(),
  file: text.optional(),
};

const event = z.strictObject({
  ...z.strictObject(source).partial().shape,
  /** When, from the case's begin. */
  at: duration.default("0s"),
  /** So many times, so far apart. */
  times: z.int().min(1).default(1),
  every: someTime.default("10s"),
  /** It came so late that other rules look no further back (pipelines/lateness.ts). */
  late: z.boolean().default(false),
  message: z.string().min(1),
});

const testCase = z.strictObject({ name: text, events: z.array(event).min(1) });
const tests = z.strictObject({
  /** What is true of each event unless it says otherwise. */
  from: z.strictObject(source).partial().default({}),
  /** Each raises exactly one alert, about this entity. */
  fire: z.array(testCase.extend({ entity: z.string().optional() })).min(2, "needs at least two cases"),
  /** None raises any. */
  pass: z.array(testCase).min(2, "needs at least two cases"),
});

const described = {
  title: text,
  id: z.uuid(),
  name: ruleName.optional(),
  status: z.enum(["stable", "test", "experimental"]),
  description: text,
  references: z.array(z.url()).optional(),
  author: text.optional(),
  date: z.iso.date().optional(),
  modified: z.iso.date().optional(),
  license: text.optional(),
  tags: z.array(z.string().regex(/^[a-z0-9_-]+\.[a-z0-9._-]+$/, "is no Sigma tag")),
  falsepositives: z.array(text).min(1),
  /** `informational` is the SIEM's own test alert: nobody is to be alarmed by it. */
  level: z.enum(SEVERITIES),
};
const ours = {
  /** For the analyst: what to look at, what to do. */
  note: text,
  tests,
};

const logsource = z
  .strictObject({ category: text, product: text, service: text, definition: text })
  .partial()
  .refine((given) => Object.keys(given).length > 0, "needs a category, product or service");
/** What is in it, pySigma checks. */
const detection = z.looseObject({ condition: text });

/** A rule about single events. */
export const eventRule = z.strictObject({
  ...described,
  ...ours,
  logsource,
  detection,
  fields: fields.optional(),
  /** The fields that say whom or what the alert is about. */
  entity: fields,
});

/** A rule that a correlation counts. */
export const baseRule = z.strictObject({
  title: text,
  name: ruleName,
  id: z.uuid().optional(),
  status: described.status.optional(),
  description: text.optional(),
  logsource,
  detection,
  level: z.enum(SEVERITIES).optional(),
});

const comparison = {
  gte: z.int().min(1).optional(),
  gt: z.int().min(0).optional(),
  lte: z.int().min(0).optional(),
  lt: z.int().min(1).optional(),
};
const single = <T extends z.ZodType<object>>(schema: T) =>
  schema.refine(
    (condition) => Object.keys(condition).filter((key) => key !== "field").length === 1,
    "takes exactly one of gte, gt, lte and lt",
  );
const correlated = { rules: z.array(ruleName).min(1), "group-by": fields.optional(), timespan };
const oneRule = { ...correlated, rules: z.array(ruleName).length(1) };
const severalRules = { ...correlated, rules: z.array(ruleName).min(2), "group-by": fields.max(4) };
const eventCount = z.strictObject({
  type: z.literal("event_count"),
  ...oneRule,
  // Kibana groups by at most four.
  "group-by": fields.max(4).optional(),
  condition: single(z.strictObject(comparison)),
});
const correlation = z.discriminatedUnion("type", [
  eventCount,
  z.strictObject({
    type: z.literal("value_count"),
    ...oneRule,
    condition: single(z.strictObject({ ...comparison, field })),
  }),
  z.strictObject({ type: z.literal("temporal"), ...severalRules }),
  z.strictObject({ type: z.literal("temporal_ordered"), ...severalRules }),
]);

/** The detection of a file with several documents. */
export const correlationRule = z.strictObject({
  ...described,
  ...ours,
  correlation,
  /** For a count of fewer than so many: types of containers that it watches (all, unless said). */
  containers: z.array(text).min(1).optional(),
});

/** A count of events that another correlation of the same file names, such as "five failures". */
export const countRule = z.strictObject({ title: text, name: ruleName, correlation: eventCount });

export type EventRule = z.output<typeof eventRule>;
export type BaseRule = z.output<typeof baseRule>;
export type CountRule = z.output<typeof countRule>;
export type CorrelationRule = z.output<typeof correlationRule>;
export type DetectionTests = z.output<typeof tests>;
export type TestEvent = z.output<typeof event>;
