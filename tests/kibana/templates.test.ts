import assert from "node:assert/strict";
import { renderAll, variables } from "../../kibana/templates";
import { ruleBody, ruleId } from "../standins/kibana-samples";

describe("what a rule's actions say of its alert", () => {
  const hit = { _source: { user: { name: 'a "b" <{{c}}> \\' } } };
  const link = `https://dhis2.example/siem/app/management/insightsAndAlerting/triggersActions/rule/${ruleId}`;
  const values = variables(
    { id: ruleId, name: ruleBody.name },
    { alert: { uuid: "u1", acted: {} }, match: { id: "admin", value: 4, hits: [hit, hit] } },
    new Date(Date.UTC(2026, 0, 1)),
    "https://dhis2.example/siem",
  );
  const rendered = (template: string) => renderAll({ list: [template] }, values).list[0];
  // prettier-ignore
  const templates: [string, string][] = [
    ["{{context.value}}", "4"],
    ["{{context.link}}", link],
    ["{{alert.id}} {{alert.uuid}} {{alert.actionGroup}}", "admin u1 query matched"],
    ["{{rule.id}} {{rule.name}}", `${ruleId} Failed logins for one user`],
    ["{{date}} {{context.date}}", "2026-01-01T00:00:00.000Z 2026-01-01T00:00:00.000Z"],
    ["{{context.hits.0._source.user.name}}{{context.nothing}}", hit._source.user.name],
    ["{{#context.hits}}x{{/context.hits}}", "xx"],
    ["{{context.hits.asJSON}}", JSON.stringify([hit, hit])],
  ];
  for (const [template, expected] of templates)
    it(`renders ${template}`, () => assert.equal(rendered(template), expected));

  it("renders nothing but text", () => {
    assert.deepEqual(renderAll({ severity: 3, on: true }, {}), { severity: 3, on: true });
  });
});
