import type { Panel } from "../dashboards/schema";

/** A saved object's pointer to another one. */
export interface Reference {
  readonly type: string;
  readonly id: string;
  readonly name: string;
}

type LensPanel = Exclude<Panel, { type: "list" }>;
type Column = Readonly<Record<string, unknown>>;

/** A chart: what it counts, and how it is drawn. Column ids are keys of `columns`, in their order. */
interface Chart {
  readonly visualizationType: "lnsMetric" | "lnsXY" | "lnsDatatable";
  readonly columns: Readonly<Record<string, Column>>;
  readonly visualization: object;
}

/**
 * A panel with a Lens chart of its own ("by value"), without its place. `id` is the panel's, `viewId` the data view's.
 * The reference to the data view has to be on both levels: in the chart, and, with the panel's id in front, on the dashboard.
 */
export function lensPanel(panel: LensPanel, id: string, viewId: string) {
  const layerId = `${id}-layer`;
  const chart = charts(panel, layerId);
  const reference: Reference = {
    type: "index-pattern",
    id: viewId,
    name: `indexpattern-datasource-layer-${layerId}`,
  };
  const attributes = {
    title: panel.title,
    type: "lens",
    visualizationType: chart.visualizationType,
    references: [reference],
    state: {
      adHocDataViews: {},
      datasourceStates: {
        formBased: {
          layers: {
            [layerId]: {
              columnOrder: Object.keys(chart.columns),
              columns: chart.columns,
              incompleteColumns: {},
            },
          },
        },
      },
      filters: [],
      internalReferences: [],
      query: kql(panel.query),
      visualization: chart.visualization,
    },
  };
  return {
    // A metric writes its own title into its tile.
    content: {
      type: "lens",
      embeddableConfig: { attributes, enhancements: {}, hidePanelTitles: panel.type === "metric" },
    },
    references: [{ ...reference, name: `${id}:${reference.name}` }],
  };
}

/** Lens's type of the fields that panels group by, where it is none of text; a test compares them with the mappings. */
const DATA_TYPES: Readonly<Record<string, string>> = {
  "http.response.status_code": "number",
  "source.ip": "ip",
};

function charts(panel: LensPanel, layerId: string): Chart {
  switch (panel.type) {
    case "metric":
      return {
        visualizationType: "lnsMetric",
        columns: {
          value: panel.unique === undefined ? count(panel.title) : unique(panel.title, panel.unique),
        },
        visualization: { layerId, layerType: "data", metricAccessor: "value" },
      };
    case "xy": {
      const [series] = Object.entries(panel.by ?? {}).map(([label, field]) =>
        terms(label, field, { top: panel.top, other: true }),
      );
      // The series come first, so that they are the most frequent of the whole time, and not of each bar.
      return {
        visualizationType: "lnsXY",
        columns: { ...(series && { series }), time: dateHistogram(), count: count("Count") },
        visualization: {
          layers: [
            {
              layerId,
              layerType: "data",
              seriesType: panel.style,
              xAccessor: "time",
              accessors: ["count"],
              ...(series && { splitAccessor: "series" }),
            },
          ],
          legend: { isVisible: true, position: "right" },
          preferredSeriesType: panel.style,
          valueLabels: "hide",
        },
      };
    }
    case "table": {
      const rows = Object.entries(panel.by).map(
        ([label, field], index) =>
          [`row-${index}`, terms(label, field, { top: panel.top, other: false })] as const,
      );
      const values = Object.entries(panel.unique).map(
        ([label, field], index) => [`value-${index}`, unique(label, field)] as const,
      );
      const columns = Object.fromEntries<Column>([...rows, ["count", count("Count")], ...values]);
      return {
        visualizationType: "lnsDatatable",
        columns,
        visualization: {
          layerId,
          layerType: "data",
          columns: Object.keys(columns).map((columnId) => ({ columnId, isTransposed: false })),
          paging: { enabled: true, size: 10 },
          sorting: { columnId: "count", direction: "desc" },
        },
      };
    }
  }
}

function number(label: string, operationType: "count" | "unique_count", sourceField: string): Column {
  return {
    label,
    customLabel: true,
    dataType: "number",
    isBucketed: false,
    operationType,
    params: { emptyAsNull: false },
    scale: "ratio",
    sourceField,
  };
}

const count = (label: string) => number(label, "count", "___records___");
const unique = (label: string, field: string) => number(label, "unique_count", field);

function dateHistogram(): Column {
  return {
    label: "@timestamp",
    dataType: "date",
    isBucketed: true,
    operationType: "date_histogram",
    params: { dropPartials: false, includeEmptyRows: true, interval: "auto" },
    scale: "interval",
    sourceField: "@timestamp",
  };
}

/** The `top` most frequent values of a field by the column `count`; with `other`, the rest as one more. */
function terms(label: string, sourceField: string, { top, other }: { top: number; other: boolean }): Column {
  return {
    label,
    customLabel: true,
    dataType: DATA_TYPES[sourceField] ?? "string",
    isBucketed: true,
    operationType: "terms",
    params: {
      size: top,
      orderBy: { type: "column", columnId: "count" },
      orderDirection: "desc",
      missingBucket: false,
      otherBucket: other,
      parentFormat: { id: "terms" },
    },
    scale: "ordinal",
    sourceField,
  };
}

/** A query as Kibana stores it; nothing asks for everything. */
export function kql(query: string | undefined): { language: "kuery"; query: string } {
  return { language: "kuery", query: query ?? "" };
}
