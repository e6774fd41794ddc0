import assert from "node:assert/strict";
import { dslParams } from "../../tools/detections/params";
import { renderAll, variables } from "../../lab/standins/kibana/templates";
import { params, ruleBody, ruleId } from "./kibana-samples";

describe("the stand-in for Kibana: what its rules' actions say", () => {
  const hit = { _source: { "dotted.key": 1, user: { name: 'a "b" <{{c}}> \\' } } };
  const rule = { id: ruleId, name: ruleBody.name, tags: ruleBody.tags, params };
  const fired = {
    rule,
    params: dslParams.parse(params),
    alert: { uuid: "u1", consecutive: 2 },
    match: { id: "admin", value: 4, hits: [hit, hit] },
  };
  function rendered(template: string): unknown {
    const values = variables(fired, new Date(Date.UTC(2026, 0, 1)), "https://dhis2.example/siem");
    return renderAll({ list: [template] }, values).list[0];
  }
  // prettier-ignore
  const templates: [string, string][] = [
    ["{{context.title}}", "rule 'Failed logins for one user' matched query for group admin"],
    ["{{context.message}}", "Document count is 4 in the last 5m for admin in logs-dhis2-* index. Alert when greater than or equal to 3."],
    ["{{context.conditions}}", 'Number of matching documents for group "admin" is greater than or equal to 3'],
    ["{{context.value}}/{{alert.consecutiveMatches}}/{{alert.flapping}}", "4/2/false"],
    ["{{alert.id}} {{alert.uuid}} {{alert.actionGroup}}", "admin u1 query matched"],
    ["{{rule.id}} {{rule.type}} {{rule.spaceId}} {{rule.tags}}", `${ruleId} .es-query default dhis2`],
    ["{{date}} {{context.date}}", "2026-01-01T00:00:00.000Z 2026-01-01T00:00:00.000Z"],
    ["{{rule.url}}", `https://dhis2.example/siem/app/management/insightsAndAlerting/triggersActions/rule/${ruleId}`],
    ["{{kibanaBaseUrl}}{{context.nothing}}", "https://dhis2.example/siem"],
    ["{{context.hits.0._source.user.name}}", hit._source.user.name],
    ["{{context.hits.0._source.dotted.key}}", "1"],
    ["{{#context.hits}}x{{/context.hits}}", "xx"],
  ];
  for (const [template, expected] of templates)
    it(`renders ${template}`, () => assert.equal(rendered(template), expected));

  it("renders lists and objects as JSON, and nothing but text as text", () => {
    const withTree = { _source: { ...hit._source, dotted: { key: 1 } } };
    assert.deepEqual(JSON.parse(rendered("{{context.hits.asJSON}}") as string), [withTree, withTree]);
    assert.deepEqual(JSON.parse(`[${rendered("{{context.hits}}") as string}]`), [withTree, withTree]);
    assert.deepEqual(JSON.parse(rendered("{{rule.params}}") as string), params);
    assert.deepEqual(renderAll({ severity: 3, on: true }, {}), { severity: 3, on: true });
  });
});
