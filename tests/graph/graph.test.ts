import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDetections } from "../../detections";
import { forSite } from "../../detections/settings";
import { EXAMPLE_CONFIG, printGraph, siteGraph } from "../../commands/graph";
import type { Graph } from "../../commands/graph/mocked-program";
import { named, text } from "../support/graph";
import { matchesSnapshot } from "../support/snapshot";

const SMALL = join(__dirname, "../sites/nginx.json");

describe("the graph of a small site", () => {
  let graph: Graph;
  before(async () => (graph = await siteGraph(SMALL)));

  const ofType = (ending: string) => graph.resources.filter((resource) => resource.type.endsWith(ending));

  it("has the components, with stable type tokens", () => {
    const components = graph.resources.filter((resource) => !resource.custom);
    assert.deepEqual([...new Set(components.map((resource) => resource.type))].sort(), [
      "dhis2-siem:index:Account",
      "dhis2-siem:index:Agent",
      "dhis2-siem:index:AlertStore",
      "dhis2-siem:index:Credentials",
      "dhis2-siem:index:DetectionRules",
      "dhis2-siem:index:ElasticStack",
      "dhis2-siem:index:LogStore",
      "dhis2-siem:index:SiemContainer",
      "dhis2-siem:index:SiemFirewall",
      "dhis2-siem:index:SiemHealth",
      "dhis2-siem:index:SiemWatch",
      "dhis2-siem:index:Views",
    ]);
  });

  it("names every child after its component", () => {
    const parents = new Map(graph.resources.filter((one) => !one.custom).map((one) => [one.name, one]));
    for (const resource of graph.resources.filter((one) => one.custom)) {
      assert.ok(parents.has(resource.parent), `${resource.name} has the parent "${resource.parent}"`);
      assert.ok(resource.name.startsWith(`${resource.parent}-`), `${resource.name} under ${resource.parent}`);
    }
  });

  it("has an agent of two remote commands in every container but the SIEM's, whose own steps are eight", () => {
    const agents = ofType(":Agent").map((agent) => agent.name);
    assert.deepEqual(agents, ["agent-dhis", "agent-monitor", "agent-postgres", "agent-proxy"]);
    const commands = ofType("remote:Command").map((command) => command.name);
    assert.deepEqual(commands, [
      ...agents.flatMap((agent) => [`${agent}-settings`, `${agent}-start`]),
      "elastic-cluster-info",
      "elastic-secrets",
      "elastic-servers",
      "logs-stream",
      "siem-container",
      "siem-firewall-rules",
      "siem-health-timer",
      "siem-watch-timer",
    ]);
  });

  it("gives every remote command the pinned host key, and nothing outside stdin", () => {
    for (const command of ofType("remote:Command")) {
      assert.equal((command.inputs.connection as Record<string, unknown>).hostKey, EXAMPLE_CONFIG.hostKey);
      assert.equal(command.inputs.create, "sudo -n bash -s -- apply");
      assert.equal(command.inputs.update, "sudo -n bash -s -- apply");
      assert.equal(command.inputs.delete, "sudo -n bash -s -- delete");
      assert.equal(command.inputs.environment, undefined);
      assert.equal(command.inputs.addPreviousOutputInEnv, false);
    }
  });

  it("makes stdin secret exactly where a secret is in it", () => {
    for (const command of ofType("remote:Command")) {
      const holds = text(command.inputs.stdin).includes("[secret ");
      assert.equal(command.secretInputs.includes("stdin"), holds, command.name);
    }
    assert.deepEqual(
      ofType("remote:Command")
        .filter((command) => command.secretInputs.includes("stdin"))
        .map((command) => command.name),
      [
        "agent-dhis-start",
        "agent-monitor-start",
        "agent-postgres-start",
        "agent-proxy-start",
        "elastic-secrets",
        "siem-health-timer",
        "siem-watch-timer",
      ],
    );
  });

  it("lets no secret into an input that is not secret", () => {
    for (const resource of graph.resources) {
      for (const [key, value] of Object.entries(resource.inputs)) {
        if (resource.secretInputs.includes(key)) continue;
        assert.ok(!JSON.stringify(value ?? null).includes("[secret "), `${resource.name}.${key}`);
      }
    }
  });

  it("puts the chain in the graph: container, Elasticsearch, provider, stores, keys, agents", () => {
    assert.ok(named(graph, "elastic-secrets").dependsOn.includes("siem-container"));
    assert.ok(named(graph, "elastic-servers").dependsOn.includes("elastic-secrets"));
    assert.ok(named(graph, "elastic-cluster-info").dependsOn.includes("elastic-servers"));
    assert.ok(named(graph, "elastic-provider").dependsOn.includes("elastic-cluster-info"));
    for (const resource of graph.resources.filter((one) => one.type.startsWith("elasticstack:"))) {
      const isRule = resource.type.endsWith(":KibanaAlertingRule");
      assert.equal(resource.provider, isRule ? "elastic-rules-provider" : "elastic-provider", resource.name);
      assert.equal(resource.deletedWith, "elastic-cluster", resource.name);
      assert.deepEqual(resource.replaceWith, ["elastic-cluster"], resource.name);
    }
    assert.ok(named(graph, "elastic-rules-provider").dependsOn.includes("rules-account-user"));
    assert.ok(named(graph, "logs-template").dependsOn.some((name) => name.startsWith("logs-dhis2-siem-")));
    assert.ok(named(graph, "alerts-connector").dependsOn.includes("alerts-index"));
    assert.ok(named(graph, "agent-proxy-key-even").dependsOn.includes("logs-template"));
    assert.ok(named(graph, "agent-proxy-settings").dependsOn.includes("elastic-cluster-info"));
    const start = named(graph, "agent-proxy-start");
    assert.ok(
      start.dependsOn.includes("agent-proxy-key-even") && start.dependsOn.includes("agent-proxy-settings"),
    );
  });

  it("makes a rule about a container's silence once its agent delivers", () => {
    const silence = graph.resources.filter(({ name }) => name.startsWith("rules-siem_agent_silent-"));
    assert.equal(silence.length, 4);
    for (const { name, dependsOn } of silence)
      assert.ok(dependsOn.includes(`agent-${name.split("-").at(-1)}-start`), dependsOn.join());
    assert.ok(
      !named(graph, "rules-dhis2_failed_logins_one_user").dependsOn.some((on) => on.startsWith("agent")),
    );
  });

  it("protects the container, deletes it before it makes another, and ties what is in it to it", () => {
    const container = named(graph, "siem-container");
    assert.equal(container.protect, true);
    assert.equal(container.deleteBeforeReplace, true);
    assert.equal(container.replacementTrigger, "siem");
    assert.equal(named(graph, "elastic-servers").deletedWith, "siem-container");
    assert.equal(named(graph, "elastic-cluster-info").deletedWith, "siem-container");
  });

  it("brings the log stream under its template, in a step of its own", () => {
    const step = named(graph, "logs-stream");
    assert.ok(step.dependsOn.includes("logs-template"));
    assert.equal(step.deletedWith, "siem-container");
  });

  it("keeps logs for ninety days above the built-in template, through the site's pipeline", () => {
    const template = named(graph, "logs-template").inputs;
    assert.equal(template.priority, 500);
    assert.equal(template.composedOfs, undefined);
    const body = template.template as { lifecycle: unknown; settings: string };
    assert.deepEqual(body.lifecycle, { dataRetention: "90d" });
    assert.match(body.settings, /"final_pipeline":"dhis2-siem-default-logs"/);
  });

  it("has one rule for each detection that is on, all writing through the connector", () => {
    const rules = ofType(":KibanaAlertingRule");
    const watched = [
      { name: "dhis", type: "dhis2" },
      ...["monitor", "postgres", "proxy"].map((name) => ({ name, type: "" })),
      { name: "siem", type: "es_siem" },
    ];
    const on = forSite(loadDetections().detections, watched).filter(({ enabled }) => enabled);
    assert.equal(rules.length, on.length);
    for (const rule of rules) {
      const actions = rule.inputs.actions as { id: string }[];
      assert.ok(
        actions.length > 0 && actions.every((action) => action.id === "[id alerts-connector]"),
        rule.name,
      );
    }
  });

  it("puts Kibana's location into the proxy's settings only", () => {
    const with_ = ofType("remote:Command").filter((one) =>
      text(one.inputs.stdin).includes("location /siem/ {"),
    );
    assert.deepEqual(
      with_.map((one) => one.name),
      ["agent-proxy-settings"],
    );
  });

  it("marks the passwords among its outputs as secret, and no other output", () => {
    assert.deepEqual(graph.secretOutputs, ["elasticPassword", "operator"]);
    const outputs = graph.outputs as Record<string, unknown>;
    assert.equal(outputs.kibanaUrl, "https://dhis2.example.org/siem");
    assert.equal((outputs.agents as unknown[]).length, 4);
  });

  it("is the golden graph", () => matchesSnapshot(join(__dirname, "nginx.snap"), printGraph(graph)));
});

describe("the graph of a site with apache2, munin and a log of its own", () => {
  it("has these beside what the small site has: the rest of the golden graph", async () => {
    const blocks = async (file: string) => printGraph(await siteGraph(file)).split("\n\n");
    const known = new Set(await blocks(SMALL));
    const others = (await blocks(join(__dirname, "../sites/apache.json"))).filter((one) => !known.has(one));
    assert.ok(others.length > 0);
    matchesSnapshot(join(__dirname, "apache.snap"), others.join("\n\n"));
  });
});

describe("the graph of a site that delivers its alerts", () => {
  const destinations = [
    {
      name: "duty",
      type: "email",
      host: "smtp.example.org",
      user: "siem",
      from: "s@example.org",
      to: "d@example.org",
    },
    { name: "soar", type: "webhook", url: "https://soar.example.org/hook", severities: "high" },
  ];
  const config = {
    delivery: JSON.stringify({ destinations }),
    deliverySecrets: JSON.stringify({ duty: "[secret password]" }),
  };
  let graph: Graph;
  before(async () => (graph = await siteGraph(SMALL, config, ["deliverySecrets"])));
  const relay = (suffix: string) => named(graph, `relay-${suffix}`);

  it("adds the relay, has its key watched, and changes nothing else", async () => {
    const before = await siteGraph(SMALL);
    const added = graph.resources.filter(({ name }) => !before.resources.some((one) => one.name === name));
    assert.deepEqual(
      added.map(({ name }) => name),
      ["relay", "relay-key-even", "relay-key-odd", "relay-settings", "relay-start", "relay-state"],
    );
    const [watch, ...rest] = ["siem-watch-timer", ...before.resources.map(({ name }) => name)];
    assert.match(text(named(graph, watch).inputs.stdin), /"dhis2-siem-relay"/);
    for (const name of rest.filter((one) => one !== watch))
      assert.deepEqual(named(graph, name), named(before, name));
  });

  it("has the secrets in one input, which is secret", () => {
    const holding = graph.resources.filter(({ inputs }) =>
      JSON.stringify(inputs).includes("[secret password]"),
    );
    assert.deepEqual(
      holding.map(({ name }) => name),
      ["relay-start"],
    );
    assert.ok(relay("start").secretInputs.includes("stdin"));
    assert.ok(!relay("settings").secretInputs.includes("stdin"));
  });

  it("hides the destinations' settings where something of them is encrypted", async () => {
    const headers = { "X-Token": "[secret token]" };
    const delivery = JSON.stringify({ destinations: [{ ...destinations[1], headers }] });
    const { resources } = await siteGraph(SMALL, { delivery }, ["delivery"]);
    const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes("[secret token]"));
    const seen = holding.map(({ name, secretInputs }) => [name, secretInputs.includes("stdin")]);
    assert.deepEqual(seen, [["relay-settings", true]]);
  });

  it("starts the relay when its files, its key and its index are there, and lets it go with the container", () => {
    const [settings, start] = [relay("settings"), relay("start")];
    for (const name of ["relay-key-even", "relay-settings"]) assert.ok(start.dependsOn.includes(name), name);
    // The servers, which its step asks.
    for (const name of ["relay-state", "elastic-cluster-info"])
      assert.ok(settings.dependsOn.includes(name), name);
    for (const step of [settings, start]) assert.equal(step.deletedWith, "siem-container");
  });

  it("is the golden graph of the relay", () => {
    const resources = graph.resources.filter(({ name }) => name.startsWith("relay"));
    matchesSnapshot(join(__dirname, "relay.snap"), printGraph({ ...graph, resources }));
  });

  it("with a paid licence has Kibana's connectors in the relay's place, and actions of the rules that are meant", async () => {
    const secure = destinations.map((one) => (one.type === "email" ? { ...one, tls: "smtps" } : one));
    const delivery = JSON.stringify({ via: "connectors", destinations: secure });
    const other = await siteGraph(SMALL, { ...config, delivery }, ["deliverySecrets"]);
    assert.ok(!other.resources.some(({ name }) => name.startsWith("relay")));
    const duty = named(other, "connectors-duty");
    assert.deepEqual(
      [duty.inputs.connectorTypeId, named(other, "connectors-soar").inputs.connectorTypeId],
      [".email", ".webhook"],
    );
    assert.deepEqual(JSON.parse(text(duty.inputs.secrets)), { user: "siem", password: "[secret password]" });
    assert.ok(duty.secretInputs.includes("secrets"));
    const rules = other.resources.filter(({ type }) => type.endsWith(":KibanaAlertingRule"));
    for (const { name, inputs } of rules) {
      const ids = (inputs.actions as { id: string }[]).map(({ id }) => id);
      const severe = (inputs.tags as string[]).some((tag) => tag === "high" || tag === "critical");
      const soar = severe ? ["[id connectors-soar]"] : [];
      assert.deepEqual(ids, ["[id alerts-connector]", "[id connectors-duty]", ...soar], name);
    }
    assert.ok(rules.some(({ inputs }) => (inputs.actions as object[]).length === 2));
  });

  it("is refused before anything where a rule is none of the site's", async () => {
    const wrong = {
      ...config,
      delivery: JSON.stringify({ destinations: [{ ...destinations[1], rules: ["x"] }] }),
    };
    const program = siteGraph(SMALL, { ...wrong, deliverySecrets: "{}" }, ["deliverySecrets"]);
    await assert.rejects(program, /dhis2-siem:delivery\.destinations\[0\]\.rules\[0\] must be the name or/);
  });
});

describe("a change of a site", () => {
  let unchanged: Graph;
  before(async () => (unchanged = await siteGraph(SMALL)));

  it("of one container's generation touches that container's commands only", async () => {
    const after = await siteGraph(join(__dirname, "../sites/variants/nginx-generation.json"));
    const changed = after.resources.filter(
      ({ name, inputs }) => JSON.stringify(inputs) !== JSON.stringify(named(unchanged, name).inputs),
    );
    assert.deepEqual(
      changed.map((resource) => resource.name),
      ["agent-postgres-settings", "agent-postgres-start"],
    );
  });

  it("of how long lines are kept changes the template, and the step that brings the stream under it", async () => {
    const after = await siteGraph(SMALL, { retentionDays: "30" });
    const changed = after.resources.filter(
      ({ name, inputs }) => JSON.stringify(inputs) !== JSON.stringify(named(unchanged, name).inputs),
    );
    assert.deepEqual(
      changed.map(({ name }) => name),
      ["logs-stream", "logs-template"],
    );
  });

  it("of the heap or the version leaves alone what is known of the cluster; a generation asks again", async () => {
    const site = JSON.parse(readFileSync(SMALL, "utf8")) as { containers: Record<string, unknown>[] };
    const changedBy = async (config: Record<string, string>, file = SMALL) => {
      const after = await siteGraph(file, config);
      const inputs = (graph: Graph, name: string) => JSON.stringify(named(graph, name).inputs);
      return unchanged.resources
        .filter(({ name }) => name.startsWith("elastic-") && inputs(unchanged, name) !== inputs(after, name))
        .map(({ name }) => name);
    };
    assert.deepEqual(await changedBy({ siem: '{"memory":"8GiB","heap":"2g"}' }), ["elastic-servers"]);
    assert.deepEqual(await changedBy({ versions: '{"elastic":"8.19.9"}' }), ["elastic-servers"]);
    for (const entry of site.containers) if (entry.type === "es_siem") entry.generation = 2;
    const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-"));
    try {
      const file = join(folder, "containers.json");
      writeFileSync(file, JSON.stringify(site));
      assert.deepEqual(await changedBy({}, file), [
        "elastic-cluster-info",
        "elastic-secrets",
        "elastic-servers",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("to direct access changes the providers' endpoints, and lets this machine's network reach them", async () => {
    const after = await siteGraph(SMALL, { access: "direct", siem: '{"allowFrom":["10.8.0.0/24"]}' });
    const changed = after.resources.filter(
      ({ name, inputs }) => JSON.stringify(inputs) !== JSON.stringify(named(unchanged, name).inputs),
    );
    assert.deepEqual(
      changed.map((resource) => resource.name),
      ["elastic-provider", "elastic-rules-provider", "siem-firewall-rules"],
    );
    assert.match(JSON.stringify(changed[0]?.inputs), /https:\/\/192\.168\.0\.200:9200/);
  });

  it("to apache2 puts the location there", async () => {
    const graph = await siteGraph(join(__dirname, "../sites/apache.json"));
    const proxy = graph.resources.find((one) => text(one.inputs.stdin ?? "").includes("<Location /siem>"));
    assert.ok(proxy?.name.endsWith("-settings"));
    assert.ok(!graph.resources.some((one) => one.name === "agent-logger"), "a journal_logger gets no agent");
  });
});
