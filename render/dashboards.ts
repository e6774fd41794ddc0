import { alertIndexName, dashboardId, dataStreamName } from "../core/names";
import { slug, type Dashboard, type Panel } from "../dashboards/schema";
import { stableJson } from "../core/json";
import { kql, lensPanel, type Reference } from "./lens";

/** A Kibana data view, as its API expects it. */
export interface DataView {
  readonly id: string;
  readonly name: string;
  /** The index or data stream. */
  readonly title: string;
  readonly timeFieldName: string;
  /** Without this, the view cannot be created before the first document exists. */
  readonly allowNoIndex: boolean;
}

export interface ViewIds {
  /** Ids of the data views that dashboards with `view: logs` and `view: alerts` read. */
  readonly logsView: string;
  readonly alertsView: string;
}

/**
 * The versions of Kibana's saved-object formats that we write. On import Kibana migrates older versions and refuses newer ones
 * (422). Without a version it runs every migration since 6.0.
 */
const CORE_VERSION = "8.8.0";
const TYPE_VERSIONS = { dashboard: "10.2.0", search: "8.0.0" };

/** Returns the data views of a namespace. Each name must be unique in Kibana, which refuses a second one. */
export function renderDataViews(namespace: string): { readonly logs: DataView; readonly alerts: DataView } {
  const view = (kind: "logs" | "alerts", index: string): DataView => ({
    id: index,
    name: `DHIS2 ${kind} (${namespace})`,
    title: index,
    timeFieldName: "@timestamp",
    allowNoIndex: true,
  });
  return {
    logs: view("logs", dataStreamName(namespace)),
    alerts: view("alerts", alertIndexName(namespace)),
  };
}

/**
 * Returns dashboards as Kibana's saved objects, as NDJSON for its import: one line for each dashboard, and before it one line
 * for each of its lists. A list is a separate saved search; a chart is part of its dashboard. The same input gives the same text.
 */
export function renderDashboards(defs: readonly Dashboard[], views: ViewIds): string {
  return defs
    .flatMap((def) => savedObjects(def, views))
    .map((object) => `${stableJson(object)}\n`)
    .join("");
}

/** Returns a panel of a dashboard, the references that the dashboard needs for it, and the saved objects that it refers to. */
interface RenderedPanel {
  readonly content: object;
  readonly references: readonly Reference[];
  readonly search?: object;
}

function savedObjects(def: Dashboard, views: ViewIds): object[] {
  const id = dashboardId(def.id);
  const panels = def.panels.map((panel): RenderedPanel => {
    const id = slug(panel.title);
    const viewId = def.view === "logs" ? views.logsView : views.alertsView;
    const rendered = panel.type === "list" ? listPanel(panel, id, def, viewId) : lensPanel(panel, id, viewId);
    const place = { title: panel.title, panelIndex: id, gridData: { ...panel.grid, i: id } };
    return { ...rendered, content: { ...rendered.content, ...place } };
  });
  const dashboard = savedObject("dashboard", id, {
    attributes: {
      title: `DHIS2 SIEM: ${def.title}`,
      description: def.description,
      kibanaSavedObjectMeta: { searchSourceJSON: stableJson({ query: kql(undefined), filter: [] }) },
      optionsJSON: stableJson({
        hidePanelTitles: false,
        syncColors: false,
        syncCursor: true,
        syncTooltips: false,
        useMargins: true,
      }),
      panelsJSON: stableJson(panels.map(({ content }) => content)),
      timeRestore: true,
      timeFrom: `now-${def.last}`,
      timeTo: "now",
      version: 1,
    },
    references: panels.flatMap(({ references }) => references),
  });
  return [...panels.flatMap(({ search }) => search ?? []), dashboard];
}

/** A list is a saved search, which the dashboard refers to. */
function listPanel(
  panel: Panel & { type: "list" },
  id: string,
  def: Dashboard,
  viewId: string,
): RenderedPanel {
  const index = "kibanaSavedObjectMeta.searchSourceJSON.index";
  const searchId = dashboardId(def.id, id);
  const search = savedObject("search", searchId, {
    attributes: {
      title: `DHIS2 SIEM: ${def.title}: ${panel.title}`,
      description: "",
      columns: panel.columns,
      sort: [["@timestamp", "desc"]],
      hideChart: true,
      kibanaSavedObjectMeta: {
        searchSourceJSON: stableJson({
          query: kql(panel.query),
          filter: [],
          highlightAll: true,
          version: true,
          indexRefName: index,
        }),
      },
    },
    references: [{ type: "index-pattern", id: viewId, name: index }],
  });
  return {
    content: { type: "search", panelRefName: `panel_${id}`, embeddableConfig: { enhancements: {} } },
    references: [{ type: "search", id: searchId, name: `${id}:panel_${id}` }],
    search,
  };
}

function savedObject(
  type: keyof typeof TYPE_VERSIONS,
  id: string,
  body: { attributes: object; references: readonly Reference[] },
): object {
  return { type, id, ...body, coreMigrationVersion: CORE_VERSION, typeMigrationVersion: TYPE_VERSIONS[type] };
}
