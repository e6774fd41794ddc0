import { z } from "zod";
import { textLike } from "../core/values";

/** The width of Kibana's dashboard grid, in columns. */
export const GRID_WIDTH = 48;

const text = z.string().trim().min(1);
const field = textLike(/^[@a-z][a-z0-9_.]*$/, "must be the name of a field, such as user.name");
/** A column's title, and the field that it shows. */
const fieldsByTitle = z.record(text, field);

/** A panel's place and size, in cells of the grid. */
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
  /** KQL. Default: all documents. */
  query: text.optional(),
};

const panel = z.discriminatedUnion("type", [
  /** One number: how many documents, or how many different values `unique` has. */
  z.strictObject({ ...common, type: z.literal("metric"), unique: field.optional() }),
  /** Documents over time, one series for each value of `by`. */
  z.strictObject({
    ...common,
    type: z.literal("xy"),
    style: z.enum(["bar_stacked", "line", "area_stacked"]).default("bar_stacked"),
    by: fieldsByTitle
      .refine(
        (by) => Object.keys(by).length === 1,
        "must have exactly one field, such as { User: user.name }",
      )
      .optional(),
    /** How many series. The others are summed up as "Other". */
    top: z.int().min(1).max(20).default(8),
  }),
  /** The most frequent values of one or several fields, with their count. */
  z.strictObject({
    ...common,
    type: z.literal("table"),
    by: fieldsByTitle.refine(
      (by) => Object.keys(by).length > 0,
      "must have at least one field, such as { User: user.name }",
    ),
    /** Further columns: how many different values a field has. */
    unique: fieldsByTitle.default({}),
    /** How many rows. With several fields: how many values of each field. */
    top: z.int().min(1).max(1000).default(10),
  }),
  /** The documents themselves, newest first. */
  z.strictObject({ ...common, type: z.literal("list"), columns: z.array(field).min(1) }),
]);

/** One dashboard, as in its file in `dashboards/`. */
export const dashboardSchema = z
  .strictObject({
    title: text,
    description: text,
    /** Which documents its panels show. */
    view: z.enum(["logs", "alerts"]),
    /** The time range with which the dashboard opens, up to now, in Kibana's notation: "24h", "7d". */
    last: z
      .string()
      .regex(/^[1-9]\d*[mhdw]$/, 'must be a time span, such as "24h" or "7d"')
      .default("24h"),
    panels: z.array(panel).min(1),
  })
  .superRefine(({ panels }, context) => {
    panels.forEach((panel, index) => {
      const issue = (key: string, message: string) =>
        context.addIssue({ code: "custom", path: ["panels", index, key], message });
      for (const other of panels.slice(0, index)) {
        if (slug(other.title) === slug(panel.title))
          issue("title", `must be unique; another panel has the title "${other.title}"`);
        if (overlap(other.grid, panel.grid)) issue("grid", `must not overlap the panel "${other.title}"`);
      }
    });
  });

export type Panel = z.infer<typeof panel>;
export type Grid = z.infer<typeof grid>;
/** A dashboard. `id` is the name of its file, without its ending. */
export type Dashboard = z.infer<typeof dashboardSchema> & { readonly id: string };

/** Returns a name in the form of an id: lower-case letters, digits and hyphens. */
export function slug(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

function overlap(a: Grid, b: Grid): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
