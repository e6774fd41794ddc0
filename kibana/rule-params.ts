/** The params of an `.es-query` rule, as Kibana 8.19 accepts them, with the defaults that it adds. */
import { z } from "zod";

const filled = z.string().min(1);

const common = {
  /** How many hits an alert has, the newest first. */
  size: z.number().min(0).max(10000),
  timeField: filled,
  timeWindowSize: z.number().min(1),
  timeWindowUnit: z.enum(["s", "m", "h", "d"]),
  threshold: z.array(z.number()).length(1),
  thresholdComparator: z.enum([">", ">=", "<", "<="]),
  excludeHitsFromPreviousRun: z.boolean().default(true),
  aggType: z.literal("count").default("count"),
};
const needed = (key: "termField" | "termSize") => ({
  path: [key],
  message: `${key} required when [groupBy] is top`,
});

/** The params of a rule with a query in Elasticsearch's query DSL. */
export const dslParams = z
  .strictObject({
    ...common,
    searchType: z.literal("esQuery").default("esQuery"),
    /** JSON: an object with a `query`. */
    esQuery: filled,
    index: z.array(filled).min(1),
    groupBy: z.enum(["all", "top"]).default("all"),
    /** The fields to group by: each value, or each combination of values, is counted separately. */
    termField: z.union([filled, z.array(filled).min(2).max(4)]).optional(),
    termSize: z.number().min(1).max(1000, "must be less than or equal to 1000").optional(),
  })
  .refine(({ groupBy, termField }) => groupBy === "all" || termField !== undefined, needed("termField"))
  .refine(({ groupBy, termSize }) => groupBy === "all" || termSize !== undefined, needed("termSize"));

/** The params of a rule in ES|QL. */
export const esqlParams = z.strictObject({
  ...common,
  searchType: z.literal("esqlQuery"),
  esqlQuery: z.strictObject({ esql: filled }),
  groupBy: z.enum(["all", "row"]).default("all"),
  threshold: common.threshold.refine(([limit]) => limit === 0, "is required to be 0"),
  thresholdComparator: common.thresholdComparator.refine(
    (comparator) => comparator === ">",
    "is required to be greater than",
  ),
});

/** The params of a rule in the query DSL, with all defaults. */
export type Params = z.output<typeof dslParams>;
