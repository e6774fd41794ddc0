import { z } from "zod";
import { textLike } from "../core/values";

/** Kibana's dashboard grid is this many columns wide. */
export const GRID_WIDTH = 48;

const text = z.string().trim().min(1);
const field = textLike(/^[@a-z][a-z0-9_.]*$/, "must be the name of a field, such as user.name");
/** What a column is called, and the field it shows. */
const labelled = z.record(text, field);

/** Where a panel is, and how large, in cells of the grid. */
const grid = z
  .strictObject({
    x: z.int().min(0),
    y: z.int().min(0),
    w: z.int().min(1),
    h: z.int().min(3),
  })
  .refine(({ x, w }) => x + w <= GRID_WIDTH, {
    path: ["w"],
    error: `must not reach over the grid's right edge: x + w must be ${GRID_WIDTH} at most`,
  });

const common = {
  title: text,
  grid,
  /** KQL; nothing means all documents. */
  query: text.optional(),
};

const panel = z.discriminatedUnion("type", [
  /** One number: how many documents, or how many different values of a field. */
  z.strictObject({ ...common, type: z.literal("metric"), unique: field.optional() }),
  /** Documents over time, one series for each value of `by`. */
  z.strictObject({
    ...common,
    type: z.literal("xy"),
    style: z.enum(["bar_stacked", "line", "area_stacked"]).default("bar_stacked"),
    by: labelled
      .refine(
        (by) => Object.keys(by).length === 1,
        "must have exactly one field, such as { User: user.name }",
      )
      .optional(),
    /** How many series; the rest is summed up as "Other". */
    top: z.int().min(1).max(20).default(8),
  }),
  /** The most frequent values (or combinations of them), with how often they occur. */
  z.strictObject({
    ...common,
    type: z.literal("table"),
    by: labelled.refine(
      (by) => Object.keys(by).length > 0,
      "must have at least one field, such as { User: user.name }",
    ),
    /** Columns beside the count: how many different values of a field. */
    unique: labelled.default({}),
    /** How many rows; with several fields, how many values of each. */
    top: z.int().min(1).max(1000).default(10),
  }),
  /** The documents themselves, newest first. */
  z.strictObject({ ...common, type: z.literal("list"), columns: z.array(field).min(1) }),
]);

/** One dashboard as its file in `dashboards/` has it. */
export const dashboardSchema = z
  .strictObject({
    title: text,
    description: text,
    /** Which documents its panels look at. */
    view: z.enum(["logs", "alerts"]),
    /** The time that the dashboard opens with, back from now, as Kibana writes it: "24h", "7d". */
    last: z
      .string()
      .regex(/^[1-9]\d*[mhdw]$/, 'must be a time span, such as "24h" or "7d"')
      .default("24h"),
    panels: z.array(panel).min(1),
  })
  .superRefine(({ panels }, context) => {
    panels.forEach((one, index) => {
      const issue = (key: string, message: string) =>
        context.addIssue({ code: "custom", path: ["panels", index, key], message });
      for (const other of panels.slice(0, index)) {
        if (slug(other.title) === slug(one.title))
          issue("title", `must be unique; another panel has the title "${other.title}"`);
        if (overlap(other.grid, one.grid)) issue("grid", `must not overlap the panel "${other.title}"`);
      }
    });
  });

export type Panel = z.infer<typeof panel>;
export type Grid = z.infer<typeof grid>;
/** `id` is the name of the file, without its ending. */
export type Dashboard = z.infer<typeof dashboardSchema> & { readonly id: string };

/** A name for use in ids: lower case, digits and hyphens. */
export function slug(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

function overlap(a: Grid, b: Grid): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
