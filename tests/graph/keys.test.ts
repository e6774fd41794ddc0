import assert from "node:assert/strict";
import { join } from "node:path";
import { siteGraph } from "../../commands/graph";
import { type Graph, GRAPH_TIME } from "../../commands/graph/mocked-program";
import { named, text } from "../support/graph";

const SMALL = join(__dirname, "../sites/nginx.json");
const DAY = 24 * 60 * 60 * 1000;

describe("the graph's API keys", () => {
  let graph: Graph;
  before(async () => (graph = await siteGraph(SMALL)));
  const keysOf = ({ resources }: Graph) =>
    resources.filter(({ type }) => type.endsWith(":ElasticsearchSecurityApiKey"));

  it("gives each agent and the SIEM itself a key of this period and of the last one, which ends, can only append, and is its own", () => {
    const keys = keysOf(graph).filter(({ name }) => !name.startsWith("siem-watch-"));
    assert.equal(keys.length, 10);
    assert.equal(new Set(keys.map((key) => key.inputs.name)).size, 10);
    for (const key of keys) {
      assert.equal(key.inputs.expiration, "400d");
      assert.deepEqual(JSON.parse(text(key.inputs.roleDescriptors)), {
        agent: {
          cluster: ["monitor"],
          indices: [
            {
              allow_restricted_indices: false,
              names: ["logs-dhis2-default"],
              privileges: ["auto_configure", "create_doc"],
            },
          ],
        },
      });
    }
  });

  /** The names of the resources that differ, each with its input that differs. */
  async function changedAfter(days: number): Promise<string[]> {
    const later = await siteGraph(SMALL, {}, [], GRAPH_TIME + days * DAY);
    assert.equal(later.resources.length, graph.resources.length);
    return later.resources.flatMap(({ name, inputs }) => {
      const before = named(graph, name).inputs;
      const differ = Object.keys(inputs).filter(
        (key) => JSON.stringify(inputs[key]) !== JSON.stringify(before[key]),
      );
      return differ.map((key) => `${name} ${key}`);
    });
  }

  it("changes nothing until a period of 200 days ends", async () => {
    assert.deepEqual(await changedAfter(60), []);
  });

  it("then makes a new key in place of the older one, gives it to its user, and keeps the one that was used", async () => {
    const users = ["agent-dhis", "agent-monitor", "agent-postgres", "agent-proxy"];
    assert.deepEqual(await changedAfter(200), [
      ...users.flatMap((user) => [`${user}-key-odd name`, `${user}-start stdin`]),
      "siem-health-key-odd name",
      "siem-health-timer stdin",
      "siem-watch-key-odd name",
      "siem-watch-timer stdin",
    ]);
    assert.equal(named(graph, "agent-dhis-key-even").inputs.name, "dhis2-siem-agent-dhis.102");
  });
});
