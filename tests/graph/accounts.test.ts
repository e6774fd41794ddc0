import assert from "node:assert/strict";
import { join } from "node:path";
import { siteGraph } from "../../commands/graph";
import type { Graph } from "../../commands/graph/mocked-program";
import { stableJson } from "../../core/json";
import { renderRulesRole } from "../../render/roles";
import { named, text } from "../support/graph";

const SMALL = join(__dirname, "../sites/nginx.json");

describe("the graph's accounts", () => {
  let graph: Graph;
  before(async () => (graph = await siteGraph(SMALL)));

  it("saves the rules as a user who may do little, under their own ids, and again when that user's rights change", () => {
    const login = JSON.parse(text(named(graph, "elastic-rules-provider").inputs.kibana)) as {
      username: string;
    };
    assert.equal(login.username, "siem-rules");
    const rights = stableJson(
      renderRulesRole({ dataStream: "logs-dhis2-default", alertIndex: "alerts-dhis2-default" }),
    );
    for (const rule of graph.resources.filter(({ type }) => type.endsWith(":KibanaAlertingRule"))) {
      assert.equal(rule.deleteBeforeReplace, true, rule.name);
      assert.equal(rule.replacementTrigger, rights, rule.name);
    }
  });

  it("has an engineer only if the config wants one, with a password that is a secret output", async () => {
    assert.ok(!graph.resources.some(({ name }) => name.includes("engineer")));
    const more = await siteGraph(SMALL, { accounts: JSON.stringify({ engineer: true }) });
    assert.equal(named(more, "engineer-user").inputs.username, "engineer");
    assert.deepEqual(more.secretOutputs, ["elasticPassword", "engineer", "operator"]);
    assert.ok(named(more, "engineer-user").secretInputs.includes("password"));
  });
});
