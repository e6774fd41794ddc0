import assert from "node:assert/strict";
import { loadDetections } from "../../detections";
import { type Detection, isInQueryDsl, watchesSilence } from "../../detections/detection";
import { forSite } from "../../detections/settings";
import { renderAll } from "../../kibana/templates";
import { ruleCreate } from "../../kibana/rule";
import { type RenderedRule, renderRule } from "../../render/rule";
import { dslParams, esqlParams } from "../../kibana/rule-params";

const TARGET = { dataStream: "logs-dhis2-default" };
const SITE = [
  { name: "proxy", type: "nginx_proxy" },
  { name: "dhis", type: "dhis2" },
];

const byName = (name: string): Detection => {
  const found = loadDetections().detections.find((detection) => detection.name === name);
  assert(found, name);
  return found;
};
const paramsOf = (rule: RenderedRule) => JSON.parse(rule.params) as Record<string, unknown>;

describe("rendered rules", () => {
  const rules = forSite(loadDetections().detections, SITE).map((detection) => ({
    detection,
    rule: renderRule(detection, TARGET),
  }));

  it("are accepted by Kibana, which has no default to add", () => {
    for (const { detection, rule } of rules) {
      const params = paramsOf(rule);
      const schema = isInQueryDsl(detection) ? dslParams : esqlParams;
      assert.deepEqual(schema.parse(params), params, detection.name);
      const action = rule.actions[0];
      assert(action);
      ruleCreate.parse({
        name: rule.name,
        tags: rule.tags,
        schedule: { interval: rule.interval },
        params,
        rule_type_id: rule.ruleTypeId,
        consumer: rule.consumer,
        enabled: rule.enabled,
        actions: [
          {
            id: "connector",
            group: action.group,
            params: JSON.parse(action.params) as Record<string, unknown>,
            frequency: {
              summary: action.frequency.summary,
              notify_when: action.frequency.notifyWhen,
              throttle: action.frequency.throttle ?? null,
            },
          },
        ],
      });
    }
  });

  it("have ids and names of their own", () => {
    for (const key of ["ruleId", "name"] as const) {
      const values = rules.map(({ rule }) => rule[key]);
      assert.deepEqual([...new Set(values)], values);
    }
  });

  it("group a count by its entity, with an action once in a window", () => {
    const rule = renderRule(byName("dhis2_failed_logins_one_user"), TARGET);
    const { groupBy, termField, termSize, threshold, thresholdComparator } = paramsOf(rule);
    assert.deepEqual(
      { groupBy, termField, termSize, threshold, thresholdComparator },
      { groupBy: "top", termField: "user.name", termSize: 100, threshold: [3], thresholdComparator: ">=" },
    );
    assert.deepEqual(rule.actions[0]?.frequency, {
      summary: false,
      notifyWhen: "onThrottleInterval",
      throttle: "5m",
    });
  });

  it("show single events once each, at every run that finds new ones", () => {
    const single = loadDetections().detections.find(({ logic }) => logic.kind === "event");
    assert(single);
    const rule = renderRule(single, TARGET);
    const { groupBy, excludeHitsFromPreviousRun, timeField } = paramsOf(rule);
    assert.deepEqual(
      { groupBy, excludeHitsFromPreviousRun, timeField },
      { groupBy: "all", excludeHitsFromPreviousRun: true, timeField: "event.ingested" },
    );
    assert.deepEqual(rule.actions[0]?.frequency, { summary: false, notifyWhen: "onActiveAlert" });
  });

  it("look at lines of the window and an hour before it", () => {
    const { esQuery } = paramsOf(renderRule(byName("dhis2_failed_logins_one_user"), TARGET));
    assert.match(String(esQuery), /"range":\{"@timestamp":\{"gte":"now-65m"\}\}/);
  });

  it("that only ES|QL can say are off, and say so", () => {
    const esql = rules.filter(({ detection }) => !isInQueryDsl(detection));
    assert(esql.length > 0);
    for (const { rule } of esql) {
      assert.equal(rule.enabled, false);
      assert(rule.tags.some((tag) => tag.includes("ES|QL")));
    }
  });

  it("in ES|QL are one alert for each group, and one that lasts where there are no groups", () => {
    const grouped = renderRule(byName("dhis2_success_after_failures"), TARGET);
    const single = renderRule(byName("dhis2_password_spraying"), TARGET);
    assert.deepEqual([paramsOf(grouped).groupBy, paramsOf(single).groupBy], ["row", "all"]);
    const [action] = single.actions;
    assert(action);
    // What Kibana 8.19 has to fill in (toEsQueryHits in esql_query_utils.ts): a value that is the number of rows.
    const context = { value: 1, hits: [{ _id: "esql_query_document", _source: { value_count: 12 } }] };
    const values = { context, alert: { id: "query matched" }, rule: { id: "x", name: "x" } };
    const { documents } = renderAll(JSON.parse(action.params) as { documents: unknown[] }, values);
    const { count } = (documents[0] as { dhis2: { alert: { count: string } } }).dhis2.alert;
    assert.equal(count, "12");
  });

  it("are made for one container each where they watch for silence", () => {
    for (const detection of loadDetections().detections.filter(watchesSilence)) {
      assert.throws(() => renderRule(detection, TARGET), /one rule for each container/);
    }
  });
});
