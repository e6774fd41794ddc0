import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDashboards } from "../../dashboards";
import { describeDashboard } from "../../dashboards/describe";
import { GRID_WIDTH, type Dashboard } from "../../dashboards/schema";
import { renderAlertMappings, renderMappings } from "../../pipelines";
import { renderDashboards, renderDataViews } from "../../render/dashboards";
import { flattenMappings, kibanaType, type MappedField } from "../support/mappings";
import {
  kqlFields,
  onlyLayer,
  parseSavedObjects,
  type Lens,
  type SavedDashboard,
  type SavedSearch,
} from "../support/panels";
import { matchesSnapshot } from "../support/snapshot";

const VIEWS = { logsView: "logs-view", alertsView: "alerts-view" };
const defs = loadDashboards();
const objects = parseSavedObjects(renderDashboards(defs, VIEWS));
const dashboards = objects.filter((object): object is SavedDashboard => object.type === "dashboard");
const searches = objects.filter((object): object is SavedSearch => object.type === "search");
const fields = {
  [VIEWS.logsView]: flattenMappings(renderMappings()),
  [VIEWS.alertsView]: flattenMappings(renderAlertMappings()),
};

function charts(dashboard: SavedDashboard): { id: string; chart: Lens }[] {
  return dashboard.attributes.panelsJSON.flatMap((panel) =>
    panel.type === "lens" ? [{ id: panel.panelIndex, chart: panel.embeddableConfig.attributes }] : [],
  );
}

describe("data views", () => {
  it("are one for logs and one for alerts, with names of their own in each namespace", () => {
    assert.deepEqual(renderDataViews("prod"), {
      logs: {
        id: "logs-dhis2-prod",
        name: "DHIS2 logs (prod)",
        title: "logs-dhis2-prod",
        timeFieldName: "@timestamp",
        allowNoIndex: true,
      },
      alerts: {
        id: "alerts-dhis2-prod",
        name: "DHIS2 alerts (prod)",
        title: "alerts-dhis2-prod",
        timeFieldName: "@timestamp",
        allowNoIndex: true,
      },
    });
  });
});

describe("dashboards as saved objects", () => {
  it("are three, with stable and different ids", () => {
    assert.deepEqual(
      dashboards.map(({ id }) => id),
      ["dhis2-siem-alerts", "dhis2-siem-dhis2", "dhis2-siem-logs"],
    );
    assert.equal(new Set(objects.map(({ type, id }) => `${type}:${id}`)).size, objects.length);
  });

  it("are the same text each time", () => {
    assert.equal(renderDashboards(loadDashboards(), VIEWS), renderDashboards(defs, VIEWS));
  });

  it("is as in its snapshot", () => {
    const alerts = objects.filter(({ id }) => id.startsWith("dhis2-siem-alerts"));
    matchesSnapshot(join(__dirname, "dashboard-alerts.snap"), `${JSON.stringify(alerts, undefined, 2)}\n`);
  });

  for (const dashboard of dashboards) {
    const { panelsJSON: panels } = dashboard.attributes;

    describe(dashboard.id, () => {
      it("fills a grid of 48 columns, with no panel over another and no gap", () => {
        const cells = panels.flatMap(({ gridData: { x, y, w, h } }) =>
          Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
        );
        const right = Math.max(...panels.map(({ gridData: { x, w } }) => x + w));
        const bottom = Math.max(...panels.map(({ gridData: { y, h } }) => y + h));
        assert.equal(right, GRID_WIDTH);
        assert.equal(new Set(cells).size, cells.length, "panels overlap");
        assert.equal(cells.length, right * bottom, "there is a gap between panels");
      });

      it("names each panel once, the same everywhere", () => {
        assert.equal(new Set(panels.map(({ panelIndex }) => panelIndex)).size, panels.length);
        for (const { panelIndex, gridData } of panels) assert.equal(gridData.i, panelIndex);
      });

      it("has every column and layer that its charts draw", () => {
        for (const { chart } of charts(dashboard)) {
          const [layerId, layer] = onlyLayer(chart);
          const columns = Object.keys(layer.columns);
          assert.deepEqual([...layer.columnOrder].sort(), [...columns].sort(), chart.title);
          assert.deepEqual(idsIn(chart.state.visualization, LAYER_KEYS), [layerId], chart.title);
          // Every column is drawn, and nothing else.
          assert.deepEqual(idsIn(chart.state.visualization, COLUMN_KEYS), [...columns].sort(), chart.title);
          for (const { params } of Object.values(layer.columns)) {
            if (params.orderBy) assert.ok(columns.includes(params.orderBy.columnId), chart.title);
          }
        }
      });

      it("resolves every reference, in its charts and on itself", () => {
        const wanted = charts(dashboard).flatMap(({ id, chart }) => {
          const [layerId] = onlyLayer(chart);
          assert.deepEqual(
            chart.references.map(({ type, name }) => ({ type, name })),
            [{ type: "index-pattern", name: `indexpattern-datasource-layer-${layerId}` }],
          );
          return chart.references.map((reference) => ({ ...reference, name: `${id}:${reference.name}` }));
        });
        for (const panel of panels) {
          if (panel.type !== "search") continue;
          const found = dashboard.references.find(
            ({ name }) => name === `${panel.panelIndex}:${panel.panelRefName}`,
          );
          assert.equal(panel.panelRefName, `panel_${panel.panelIndex}`);
          assert.ok(
            found && searches.some(({ id }) => id === found.id && found.type === "search"),
            panel.title,
          );
          wanted.push(found);
        }
        const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
        assert.deepEqual([...dashboard.references].sort(byName), wanted.sort(byName));
      });

      it("reads fields that are there, and groups by those that can be grouped by", () => {
        for (const { chart } of charts(dashboard)) {
          const known = fields[chart.references[0]?.id ?? ""];
          assert.ok(known, `${chart.title}: no such data view`);
          for (const { sourceField, operationType, dataType } of Object.values(onlyLayer(chart)[1].columns)) {
            const where = `${chart.title}: ${sourceField}`;
            if (operationType === "count") {
              assert.equal(sourceField, "___records___", where);
              continue;
            }
            const field: MappedField | undefined = known.get(sourceField);
            assert.ok(field?.aggregatable, `${where} is none that can be grouped by`);
            const expected: string = operationType === "unique_count" ? "number" : kibanaType(field.type);
            assert.equal(dataType, expected, `${where}: its type in Lens`);
            if (operationType === "date_histogram") assert.equal(field.type, "date", where);
          }
          for (const name of kqlFields(chart.state.query.query))
            assert.ok(known.has(name), `${chart.title}: its query reads ${name}`);
        }
      });
    });
  }

  for (const search of searches) {
    it(`${search.id} has its data view, and columns and a query of fields that are there`, () => {
      const { columns, kibanaSavedObjectMeta } = search.attributes;
      const { indexRefName, query } = kibanaSavedObjectMeta.searchSourceJSON;
      const [reference, ...more] = search.references;
      assert.deepEqual([reference?.name, reference?.type, more], [indexRefName, "index-pattern", []]);
      const known = fields[reference?.id ?? ""];
      assert.ok(known, "no such data view");
      for (const name of [...columns, ...kqlFields(query.query)])
        assert.ok(known.has(name), `no field ${name}`);
    });
  }
});

const LAYER_KEYS = ["layerId"];
const COLUMN_KEYS = ["metricAccessor", "xAccessor", "splitAccessor", "accessors", "columnId"];

/** Every id that stands under one of these keys, sorted, each once. */
function idsIn(value: unknown, keys: readonly string[]): string[] {
  if (value === null || typeof value !== "object") return [];
  const found = Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    keys.includes(key) ? ([inner].flat() as string[]) : idsIn(inner, keys),
  );
  return [...new Set(found)].sort();
}

describe("a dashboard's picture", () => {
  it("shows where each panel is", () => {
    const def: Dashboard = {
      id: "small",
      title: "Small",
      description: "Two panels.",
      view: "logs",
      last: "1h",
      panels: [
        { type: "metric", title: "All", grid: { x: 0, y: 0, w: 12, h: 8 } },
        { type: "list", title: "Lines", columns: ["message"], grid: { x: 12, y: 0, w: 36, h: 8 } },
      ],
    };
    assert.equal(
      describeDashboard(def),
      `Small
Two panels.
Opens with the last 1h.

+-----------------------+-----------------------------------------------------------------------+
| All                   | Lines                                                                 |
| (number)              | (list: message)                                                       |
|                       |                                                                       |
+-----------------------+-----------------------------------------------------------------------+
`,
    );
  });
});

describe("a dashboard's file", () => {
  const PANEL = "  - { title: One, type: metric, grid: { x: 0, y: 0, w: 12, h: 6 } }";
  const HEAD = "title: T\ndescription: D\nview: logs\npanels:";

  function load(source: string): Dashboard[] {
    const folder = mkdtempSync(join(tmpdir(), "dashboards-"));
    try {
      writeFileSync(join(folder, "bad.yml"), source);
      return loadDashboards(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it("gets its defaults", () => {
    assert.equal(load(`${HEAD}\n${PANEL}`)[0]?.last, "24h");
  });

  const bad: Record<string, [source: string, message: RegExp]> = {
    "no YAML": ["title: [", /bad\.yml:1: the file must be valid YAML: /],
    "an unknown key": [`${HEAD}\n${PANEL}\ncolour: red`, /bad\.yml:6: colour is not a known key$/],
    "an unknown key of a panel": [
      `${HEAD}\n${PANEL.replace("grid", "colour: red, grid")}`,
      /bad\.yml:5: panels\[0\]\.colour is not a known key$/,
    ],
    "no title": [`view: logs\ndescription: D\npanels:\n${PANEL}`, /bad\.yml:1: title is missing; /],
    "an unknown type": [
      `${HEAD}\n${PANEL.replace("metric", "pie")}`,
      /bad\.yml:5: panels\[0\]\.type .*'metric' \| 'xy' \| 'table' \| 'list'/,
    ],
    "a field's name that is none": [
      `${HEAD}\n${PANEL}\n  - title: Two\n    type: table\n    by:\n      User: User Name\n    grid: { x: 0, y: 6, w: 48, h: 6 }`,
      /bad\.yml:9: panels\[1\]\.by\.User must be the name of a field, such as user\.name$/,
    ],
    "two breakdowns of a chart over time": [
      `${HEAD}\n  - { title: T, type: xy, by: { A: a, B: b }, grid: { x: 0, y: 0, w: 48, h: 6 } }`,
      /bad\.yml:5: panels\[0\]\.by must have exactly one field, such as /,
    ],
    "a panel outside of the grid": [
      `${HEAD}\n${PANEL.replace("x: 0", "x: 40")}`,
      /bad\.yml:5: panels\[0\]\.grid\.w must not reach over .*48 at most$/,
    ],
    "a panel over another": [
      `${HEAD}\n${PANEL}\n${PANEL.replace("One", "Two").replace("x: 0", "x: 11")}`,
      /bad\.yml:6: panels\[1\]\.grid must not overlap the panel "One"$/,
    ],
    "a doubled title": [
      `${HEAD}\n${PANEL}\n${PANEL.replace("x: 0", "x: 12")}`,
      /bad\.yml:6: panels\[1\]\.title must be unique; another panel has the title "One"$/,
    ],
    "a time span that is none": [`${HEAD}\n${PANEL}\nlast: a day`, /bad\.yml:6: last must be a time span/],
  };
  for (const [name, [source, message]] of Object.entries(bad)) {
    it(`with ${name} is refused, with its line`, () => {
      assert.throws(() => load(source), { message });
    });
  }

  it("has all its faults told at once", () => {
    const message = /:6: last must .*\n.*:7: colour is /;
    assert.throws(() => load(`${HEAD}\n${PANEL}\nlast: 1\ncolour: red`), { message });
  });
});
