import { z } from "zod";
import { SEVERITIES } from "../core/values";
import { exactFieldFault, fieldFault, machineTypeFault, tagFault } from "./known";

/**
 * A detection's file: YAML documents in the Sigma format. A single document is a rule about single events. If there are
 * several, the last one is the detection, a correlation of the base rules before it. The detection has keys of our own besides
 * Sigma's: `note`, `tests`, and if they apply, `entity` and `containers` (Sigma allows such keys). Editors show the
 * descriptions (rule.schema.json).
 */

/** The first word of each text of a new rule that nobody has written yet. */
export const PLACEHOLDER = "TODO";
/** The message for such a text. */
export const UNWRITTEN = `must be written; it still begins with ${PLACEHOLDER}`;

/** Returns the schema of a text for which `fault` returns undefined. */
const checked = (fault: (given: string) => string | undefined) =>
  z.string().superRefine((given, context) => {
    const message = fault(given);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

const text = z
  .string()
  .trim()
  .min(1, "must not be empty")
  .refine((given) => !given.startsWith(PLACEHOLDER), {
    error: UNWRITTEN,
    abort: true,
  });
const shownField = checked(fieldFault).meta({ id: "field" });
const exactField = checked(exactFieldFault).meta({ id: "exactField" });
const exactFields = z.array(exactField).min(1, "must name a field at least, such as user.name");
const machineType = checked(machineTypeFault).meta({ id: "machineType" });
const uuid = z.uuid(
  "must be a UUID, such as 0a3af1a0-ae88-479f-9e9d-8f1c019a9771; npm run -s detections -- new NAME makes one",
);
const ruleName = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, "must be small letters, digits and underscores, such as dhis2_failed_login");
const duration = z
  .string()
  .regex(/^(0|[1-9]\d*)[smhd]$/, 'must be a duration, such as "90s", "5m", "1h" or "1d"');
const someTime = duration.refine((span) => !span.startsWith("0"), "must be longer than zero, such as 10s");
/** At least the interval of Kibana's rules (INTERVAL in render/rule.ts), because Kibana refuses a shorter throttle of an action. */
const timespan = someTime.refine(
  (span) => !/^[1-5]?\d?s$/.test(span),
  "must be a minute at least, such as 5m, because rules run once a minute",
);

const source = {
  container: text.describe("The name of the container that wrote the line, such as dhis"),
  type: machineType.describe("The container's machine type, such as dhis2"),
  journal: text.optional().describe("The identifier in the journal, such as sshd; or else file"),
  file: text.optional().describe("The path of the file, such as /opt/dhis2/logs/dhis.log; or else journal"),
};

const event = z.strictObject({
  ...z.strictObject(source).partial().shape,
  at: duration.default("0s").describe("When, from the case's begin, such as 4m"),
  times: z.int().min(1).default(1).describe("How many times the line is written"),
  every: someTime.default("10s").describe("How far apart, where it is written several times"),
  late: z
    .boolean()
    .default(false)
    .describe("Whether it came more than an hour after it was written; rules look no further back"),
  message: text.describe("The raw line; {time} in it is the line's own time, as a web server writes it"),
});

const testCase = z.strictObject({
  name: text.describe("What happens in this case"),
  events: z.array(event).min(1).describe("The raw lines"),
});
const cases = <T extends z.ZodType>(schema: T) =>
  z.array(schema).min(2, "must hold at least two cases, each with a name and events");
const tests = z.strictObject({
  from: z
    .strictObject(source)
    .partial()
    .default({})
    .describe("Where each line was read, unless its event says otherwise"),
  fire: cases(
    testCase.extend({ entity: z.string().optional().describe("Whom or what the alert is about") }),
  ).describe("Cases that raise exactly one alert each; two at least"),
  pass: cases(testCase).describe("Cases that raise no alert; two at least"),
});

const described = {
  title: text.describe("The rule's name for people"),
  id: uuid.describe("A UUID of its own, never used before"),
  name: ruleName.optional(),
  status: z.enum(["stable", "test", "experimental"]).describe("How far the rule has proven itself"),
  description: text
    .min(40, "must be 40 characters at least: what happened, and why it matters")
    .describe("What happened, and why it matters"),
  references: z.array(z.url("must be an address, such as https://dhis2.org")).optional(),
  author: text.optional(),
  date: z.iso.date("must be a date, such as 2024-03-01").optional(),
  modified: z.iso.date("must be a date, such as 2024-03-01").optional(),
  license: text.optional(),
  tags: z
    .array(checked(tagFault).meta({ id: "tag" }))
    .describe("A tactic and a technique of ATT&CK at least, such as attack.initial-access and attack.t1078"),
  falsepositives: z
    .array(text)
    .min(1, "must name what raises this alert though nothing bad happened")
    .describe("What raises this alert though nothing bad happened"),
  level: z
    .enum(SEVERITIES)
    .describe("How bad it is; informational is the SIEM's own test alert, which alarms nobody"),
};
const ours = {
  note: text
    .min(80, "must be 80 characters at least: what to look at, and what to do")
    .describe("For the analyst: what to look at or whom to ask, and what to do"),
  tests: tests.describe("Raw lines that raise the alert, and such that do not"),
};

const logsource = z
  .strictObject({ category: text, product: text, service: text, definition: text })
  .partial()
  .refine(
    (given) => Object.keys(given).length > 0,
    "must have a category, product or service, such as { product: dhis2, service: audit }",
  )
  .describe("Which logs the rule reads, such as { product: dhis2, service: audit }");
/** The fields are checked in checks.ts, everything else by pySigma. */
const detection = z
  .looseObject({
    condition: text.describe("Which selections have to be true, such as: selection and not filter"),
  })
  .meta({ id: "detection", description: "Selections by name, and the condition that joins them" });

/** A rule about single events. */
export const eventRule = z.strictObject({
  ...described,
  ...ours,
  logsource,
  detection,
  fields: z.array(shownField).min(1).optional().describe("Further fields that the analyst wants to see"),
  entity: exactFields.describe("The fields that say whom or what the alert is about, such as [user.name]"),
});

/** A rule that a correlation counts. */
export const baseRule = z.strictObject({
  title: text,
  name: ruleName.describe("The name by which the correlation calls it"),
  id: uuid.optional(),
  status: described.status.optional(),
  description: text.optional(),
  logsource,
  detection,
  level: z.enum(SEVERITIES).optional(),
});

const comparison = {
  gte: z.int().min(1).optional().describe("So many or more"),
  gt: z.int().min(0).optional().describe("More than so many"),
  lte: z.int().min(0).optional().describe("So many or fewer"),
  lt: z.int().min(1).optional().describe("Fewer than so many"),
};
const single = <T extends z.ZodType<object>>(schema: T) =>
  schema.refine(
    (condition) => Object.keys(condition).filter((key) => key !== "field").length === 1,
    "must have exactly one of gte, gt, lte and lt, such as { gte: 3 }",
  );
// Kibana groups by at most four fields.
const groupBy = exactFields
  .max(4, "must be four fields at most")
  .describe("One alert for each value of these fields, such as [user.name]");
const correlated = {
  rules: z.array(ruleName).min(1).describe("The names of the documents that are counted"),
  "group-by": exactFields
    .optional()
    .describe("One alert for each value of these fields, such as [user.name]"),
  timespan: timespan.describe("In which time, such as 5m"),
};
const oneRule = { ...correlated, rules: z.array(ruleName).length(1, "must be one name") };
const severalRules = {
  ...correlated,
  rules: z.array(ruleName).min(2, "must be two names or more"),
  "group-by": groupBy,
};
const eventCount = z.strictObject({
  type: z.literal("event_count"),
  ...oneRule,
  "group-by": groupBy.optional(),
  condition: single(z.strictObject(comparison)),
});
const correlation = z.discriminatedUnion(
  "type",
  [
    eventCount,
    z.strictObject({
      type: z.literal("value_count"),
      ...oneRule,
      condition: single(z.strictObject({ ...comparison, field: exactField })),
    }),
    z.strictObject({ type: z.literal("temporal"), ...severalRules }),
    z.strictObject({ type: z.literal("temporal_ordered"), ...severalRules }),
  ],
  "must be one of event_count, value_count, temporal, temporal_ordered",
);

/** The detection of a file with several documents. */
export const correlationRule = z.strictObject({
  ...described,
  ...ours,
  correlation: correlation.describe("What is counted, by what, in which time"),
  containers: z
    .array(machineType)
    .min(1)
    .optional()
    .describe("For a count of fewer than so many: the machine types that it watches (all, unless said)"),
});

/** A count of events that another correlation of the same file names, such as "five failures". */
export const countRule = z.strictObject({ title: text, name: ruleName, correlation: eventCount });

export type EventRule = z.output<typeof eventRule>;
export type BaseRule = z.output<typeof baseRule>;
export type CountRule = z.output<typeof countRule>;
export type CorrelationRule = z.output<typeof correlationRule>;
export type DetectionTests = z.output<typeof tests>;
export type TestEvent = z.output<typeof event>;
