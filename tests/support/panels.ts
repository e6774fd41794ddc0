import { z } from "zod";

/** The parts of Kibana's saved objects that tests look at, as strict as Kibana is about them. */
const json = <T extends z.ZodType>(schema: T) =>
  z.string().transform((text): z.infer<T> => schema.parse(JSON.parse(text)));

const query = z.strictObject({ language: z.literal("kuery"), query: z.string() });
const reference = z.strictObject({
  type: z.enum(["index-pattern", "search"]),
  id: z.string(),
  name: z.string(),
});

const column = z.looseObject({
  label: z.string(),
  dataType: z.enum(["string", "number", "ip", "date", "boolean"]),
  operationType: z.enum(["count", "unique_count", "terms", "date_histogram"]),
  sourceField: z.string(),
  isBucketed: z.boolean(),
  params: z.looseObject({
    size: z.number().optional(),
    orderBy: z.strictObject({ type: z.literal("column"), columnId: z.string() }).optional(),
  }),
});
const layer = z.strictObject({
  columnOrder: z.array(z.string()),
  columns: z.record(z.string(), column),
  incompleteColumns: z.strictObject({}),
});
const lens = z.strictObject({
  title: z.string(),
  type: z.literal("lens"),
  visualizationType: z.enum(["lnsXY", "lnsDatatable", "lnsMetric"]),
  references: z.array(reference),
  state: z.strictObject({
    adHocDataViews: z.strictObject({}),
    datasourceStates: z.strictObject({ formBased: z.strictObject({ layers: z.record(z.string(), layer) }) }),
    filters: z.array(z.never()),
    internalReferences: z.array(z.never()),
    query,
    visualization: z.unknown(),
  }),
});
const place = {
  title: z.string(),
  panelIndex: z.string(),
  gridData: z.strictObject({ x: z.int(), y: z.int(), w: z.int(), h: z.int(), i: z.string() }),
};
const panel = z.discriminatedUnion("type", [
  z.strictObject({
    ...place,
    type: z.literal("lens"),
    embeddableConfig: z.strictObject({
      attributes: lens,
      enhancements: z.strictObject({}),
      hidePanelTitles: z.boolean(),
    }),
  }),
  z.strictObject({
    ...place,
    type: z.literal("search"),
    panelRefName: z.string(),
    embeddableConfig: z.strictObject({ enhancements: z.strictObject({}) }),
  }),
]);

const common = { id: z.string(), references: z.array(reference), coreMigrationVersion: z.literal("8.8.0") };
const savedObject = z.discriminatedUnion("type", [
  z.strictObject({
    ...common,
    type: z.literal("dashboard"),
    typeMigrationVersion: z.literal("10.2.0"),
    attributes: z.strictObject({
      title: z.string(),
      description: z.string(),
      kibanaSavedObjectMeta: z.strictObject({ searchSourceJSON: json(z.looseObject({ query })) }),
      optionsJSON: json(z.record(z.string(), z.boolean())),
      panelsJSON: json(z.array(panel)),
      timeRestore: z.literal(true),
      timeFrom: z.string(),
      timeTo: z.literal("now"),
      version: z.literal(1),
    }),
  }),
  z.strictObject({
    ...common,
    type: z.literal("search"),
    typeMigrationVersion: z.literal("8.0.0"),
    attributes: z.strictObject({
      title: z.string(),
      description: z.string(),
      columns: z.array(z.string()),
      sort: z.tuple([z.tuple([z.literal("@timestamp"), z.literal("desc")])]),
      hideChart: z.boolean(),
      kibanaSavedObjectMeta: z.strictObject({
        searchSourceJSON: json(z.looseObject({ query, indexRefName: z.string() })),
      }),
    }),
  }),
]);

export type SavedObject = z.infer<typeof savedObject>;
export type SavedDashboard = SavedObject & { type: "dashboard" };
export type SavedSearch = SavedObject & { type: "search" };
export type SavedPanel = z.infer<typeof panel>;
export type Lens = z.infer<typeof lens>;
export type Layer = z.infer<typeof layer>;

/** The saved objects in an NDJSON text, their JSON strings parsed. Throws where anything is not as Kibana has it. */
export function parseSavedObjects(ndjson: string): SavedObject[] {
  return ndjson
    .trimEnd()
    .split("\n")
    .map((line) => savedObject.parse(JSON.parse(line)));
}

/** The one layer of a Lens chart and its id. */
export function onlyLayer(chart: Lens): readonly [id: string, layer: Layer] {
  const [only, ...more] = Object.entries(chart.state.datasourceStates.formBased.layers);
  if (only === undefined || more.length > 0) throw new Error(`${chart.title}: not exactly one layer`);
  return only;
}

/** The names of the fields in a KQL query: what stands before `:` or a comparison, outside of quoted text. */
export function kqlFields(kql: string): string[] {
  const bare = kql.replaceAll(/"(?:\\.|[^"\\])*"/g, '""');
  return [...bare.matchAll(/([@\w][\w.@]*)\s*(?::|[<>]=?)/g)].map(([, name]) => name ?? "");
}
