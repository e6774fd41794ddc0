/** Runs the query of every dashboard panel on a real Elasticsearch, which has the rules' own events and their alerts. */
import assert from "node:assert/strict";
import { loadDashboards } from "../dashboards";
import { loadDetections } from "../detections";
import { watchesSilence } from "../detections/detection";
import { renderDashboards } from "../render/dashboards";
import { casesOf, evaluateLines } from "../commands/detections/cases";
import { type PipelineIndex, withPipeline } from "../commands/detections/real";
import { alertDocument } from "./support/alerts";
import { type RealElasticsearch, realElasticsearch } from "../commands/elasticsearch";
import { kqlQuery } from "./support/kql";
import { lensQuery, type Row } from "./support/lens-query";
import { type Lens, parseSavedObjects, type SavedDashboard, type SavedSearch } from "./support/panels";
import { putAlertIndex } from "../commands/elasticsearch/pipelines";

const NAMESPACE = "dashboards";
const ALERTS = `alerts-dhis2-${NAMESPACE}`;
const VIEWS = { logsView: `logs-dhis2-${NAMESPACE}`, alertsView: ALERTS };
/** The time that has all cases and their alerts, and the bars over it. */
const SHOWN = { gte: "2024-02-25", lt: "2024-03-10" };
const INTERVAL = "3h";
/** How many rows of a list Kibana reads. */
const MAX_LISTED = 500;

const objects = parseSavedObjects(renderDashboards(loadDashboards(), VIEWS));
const searches = objects.filter((object): object is SavedSearch => object.type === "search");
const charts = objects
  .filter((object): object is SavedDashboard => object.type === "dashboard")
  .flatMap(({ id, attributes }) =>
    attributes.panelsJSON.flatMap((panel) =>
      panel.type === "lens"
        ? [{ name: `${id}: ${panel.title}`, chart: panel.embeddableConfig.attributes }]
        : [],
    ),
  );

/** The rules that are on. The others raise no alerts. */
const ENABLED = loadDetections().detections.filter(({ enabled }) => enabled);

/** Indexes every rule's cases, raises the alerts that have to come of them, and writes each as the rule's action would. Gives their number. */
async function raiseAlerts(elasticsearch: RealElasticsearch, index: PipelineIndex): Promise<number> {
  const cases = (await index.add(casesOf(loadDetections().detections))).filter(({ fires }) => fires);
  const work = ENABLED.flatMap((detection) =>
    cases.filter(({ rule }) => rule === detection.name).map(({ lines, ids }) => ({ detection, lines, ids })),
  );
  const alerts = await evaluateLines(work, index.search);
  const answers = await index.search(work.map(({ ids }) => ({ size: 5, query: { ids: { values: ids } } })));
  const documents = work.flatMap(({ detection }, at) =>
    (alerts[at] ?? []).map(({ entity, count, last }) => {
      const rule = watchesSilence(detection) ? { ...detection, watched: entity } : detection;
      const { hits } = answers[at]?.hits as { hits: Record<string, unknown>[] };
      return alertDocument(rule, { id: entity, value: count, hits }, new Date(last));
    }),
  );
  await elasticsearch.bulk(
    `/${ALERTS}/_bulk?refresh=true`,
    documents.flatMap((document) => [{ create: {} }, document]),
  );
  return documents.length;
}

const within = (kql: string) => ({
  bool: { filter: [{ range: { "@timestamp": SHOWN } }, kqlQuery(kql)] },
});

async function chartRows(elasticsearch: RealElasticsearch, chart: Lens): Promise<Row[]> {
  const { aggs, rows } = lensQuery(chart, INTERVAL);
  const answer = await elasticsearch.call("POST", `/${chart.references[0]?.id}/_search`, {
    size: 0,
    track_total_hits: true,
    query: within(chart.state.query.query),
    aggs,
  });
  const { total } = answer.hits as { total: { value: number } };
  return rows({ ...(answer.aggregations as object), doc_count: total.value });
}

/** Returns a list's columns, and how many of its rows have a value in each. */
async function listColumns(elasticsearch: RealElasticsearch, search: SavedSearch): Promise<Row> {
  const { columns, kibanaSavedObjectMeta, sort } = search.attributes;
  const answer = await elasticsearch.call("POST", `/${search.references[0]?.id}/_search`, {
    size: MAX_LISTED,
    query: within(kibanaSavedObjectMeta.searchSourceJSON.query.query),
    sort: sort.map(([field, order]) => ({ [field]: { order } })),
    fields: columns,
    _source: false,
  });
  const { hits } = answer.hits as { hits: { fields?: Record<string, unknown[]> }[] };
  const filled = (column: string) => hits.filter(({ fields }) => fields?.[column] !== undefined).length;
  return Object.fromEntries(columns.map((column) => [column, filled(column)]));
}

describe("every panel shows something of the rules' own events", function () {
  this.timeout(600_000);
  const found = new Map<string, Row[]>();

  before(async () => {
    const elasticsearch = await realElasticsearch();
    await putAlertIndex(elasticsearch, NAMESPACE);
    try {
      await withPipeline(async (index) => {
        const raised = await raiseAlerts(elasticsearch, index);
        assert.ok(raised >= 2 * ENABLED.length, `only ${raised} alerts`);
        for (const { name, chart } of charts) found.set(name, await chartRows(elasticsearch, chart));
        for (const search of searches) found.set(search.id, [await listColumns(elasticsearch, search)]);
      }, NAMESPACE);
    } finally {
      await elasticsearch.call("DELETE", `/${ALERTS}`);
    }
  });

  for (const { name, chart } of charts) {
    it(`${name} (${chart.visualizationType.slice("lns".length)})`, () => {
      const rows = found.get(name) ?? [];
      assert.ok(rows.length > 0, "no row");
      // Each column says something in some row: a bucket has a key, a number is more than nought.
      for (const column of Object.keys(rows[0] ?? {})) {
        assert.ok(
          rows.some((row) => row[column] !== 0 && row[column] !== ""),
          `${column} is empty`,
        );
      }
    });
  }

  for (const search of searches) {
    it(`${search.id} (list)`, () => {
      const [filled = {}] = found.get(search.id) ?? [];
      assert.deepEqual(Object.keys(filled), search.attributes.columns);
      for (const [column, rows] of Object.entries(filled)) assert.ok(Number(rows) > 0, `${column} is empty`);
    });
  }

  it("counts what is there: logins by outcome are those of the documents", () => {
    const rows = found.get("dhis2-siem-dhis2: DHIS2 logins by outcome") ?? [];
    for (const outcome of ["failure", "success"]) {
      assert.ok(
        rows.some(({ series }) => series === outcome),
        outcome,
      );
    }
    const [failed] = found.get("dhis2-siem-dhis2: Failed DHIS2 logins") ?? [];
    const sum = rows.filter(({ series }) => series === "failure").map((row) => Number(row.count));
    assert.equal(
      sum.reduce((total, count) => total + count, 0),
      failed?.value,
    );
  });
});
