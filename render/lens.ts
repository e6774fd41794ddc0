import type { Panel } from "../dashboards/schema";

/** A saved object's reference to another one. */
export interface Reference {
  readonly type: string;
  readonly id: string;
  readonly name: string;
}

type LensPanel = Exclude<Panel, { type: "list" }>;
type Column = Readonly<Record<string, unknown>>;

/** What a chart counts, and how it is drawn. The keys of `columns` are the columns' ids, in their order. */
interface Chart {
  readonly visualizationType: "lnsMetric" | "lnsXY" | "lnsDatatable";
  readonly columns: Readonly<Record<string, Column>>;
  readonly visualization: object;
}

/**
 * Returns a panel that contains its own Lens chart ("by value"), without its place in the grid. Both the chart and the dashboard
 * must have the reference to the data view; on the dashboard its name begins with the panel's id.
 * @param id the panel's id
 * @param viewId the data view's id
 */
export function lensPanel(panel: LensPanel, id: string, viewId: string) {
  const layerId = `${id}-layer`;
  const chart = renderChart(panel, layerId);
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
    // A metric shows its title inside its tile.
    content: {
      type: "lens",
      embeddableConfig: { attributes, enhancements: {}, hidePanelTitles: panel.type === "metric" },
    },
    references: [{ ...reference, name: `${id}:${reference.name}` }],
  };
}

/** Lens's types of the fields that panels group by; default: string. A test compares them with the mappings. */
const DATA_TYPES: Readonly<Record<string, string>> = {
  "http.response.status_code": "number",
  "source.ip": "ip",
};

function renderChart(panel: LensPanel, layerId: string): Chart {
  switch (panel.type) {
    case "metric":
      return {
        visualizationType: "lnsMetric",
        columns: {
          value:
            panel.unique === undefined ? countColumn(panel.title) : uniqueColumn(panel.title, panel.unique),
        },
        visualization: { layerId, layerType: "data", metricAccessor: "value" },
      };
    case "xy": {
      const [series] = Object.entries(panel.by ?? {}).map(([label, field]) =>
        termsColumn(label, field, { top: panel.top, other: true }),
      );
      // The series come first, so that they are the most frequent values of the whole time range and not of each bar.
      return {
        visualizationType: "lnsXY",
        columns: { ...(series && { series }), time: timeColumn(), count: countColumn("Count") },
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
          [`row-${index}`, termsColumn(label, field, { top: panel.top, other: false })] as const,
      );
      const values = Object.entries(panel.unique).map(
        ([label, field], index) => [`value-${index}`, uniqueColumn(label, field)] as const,
      );
      const columns = Object.fromEntries<Column>([...rows, ["count", countColumn("Count")], ...values]);
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

function numberColumn(label: string, operationType: "count" | "unique_count", sourceField: string): Column {
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

const countColumn = (label: string) => numberColumn(label, "count", "___records___");
const uniqueColumn = (label: string, field: string) => numberColumn(label, "unique_count", field);

function timeColumn(): Column {
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

/** The `top` values of a field with the highest `count`. With `other`, one more value stands for all others. */
function termsColumn(
  label: string,
  sourceField: string,
  { top, other }: { top: number; other: boolean },
): Column {
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

/** Returns a KQL query as Kibana stores it. Default: all documents. */
export function kql(query: string | undefined): { language: "kuery"; query: string } {
  return { language: "kuery", query: query ?? "" };
}
