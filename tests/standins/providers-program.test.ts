/** The stand-ins are cut to what the program sets: so every resource of it has to go through them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { command } from "../../lab/standins/pulumi/command";
import { createElasticstack } from "../../lab/standins/pulumi/elasticstack";
import { random } from "../../lab/standins/pulumi/random";
import type { Standin } from "../../lab/standins/pulumi/serve";
import { EXAMPLE_CONFIG, siteGraph } from "../../commands/graph";
import type { GraphResource } from "../../commands/graph/mocked-program";
import { keys } from "../../lab/bench/ssh-servers";
import { type Servers, startServers } from "./providers-servers";

const destinations = [
  {
    name: "duty",
    type: "email",
    to: ["a@b.org"],
    host: "mail.b.org",
    from: "siem@b.org",
    user: "siem",
    tls: "smtps",
  },
  { name: "soar", type: "webhook", url: "https://soar.b.org/in" },
];
const delivery = (via: string) => ({
  delivery: JSON.stringify({ via, destinations }),
  deliverySecrets: JSON.stringify({ duty: "password", soar: "Bearer token" }),
});

const BASTION = { host: "b.org", user: "siem", hostKey: EXAMPLE_CONFIG.hostKey };

const CASES: readonly [what: string, site: string, config: Readonly<Record<string, string>>][] = [
  ["the least of a config", "nginx", {}],
  ["a bastion", "apache", { privateKey: keys().private, bastion: JSON.stringify(BASTION) }],
  ["the relay", "nginx", delivery("relay")],
  ["Kibana's own connectors", "nginx", delivery("connectors")],
];

describe("the stand-ins and the program", () => {
  let servers: Servers;
  let elasticstack: Standin;

  beforeEach(async () => {
    servers = await startServers();
    elasticstack = createElasticstack();
    const login = { username: "elastic", password: "pw", endpoints: [servers.url] };
    elasticstack.configure?.({ elasticsearch: login, kibana: login });
  });
  afterEach(() => servers.close());

  /** Made, read back, and then just as the program wants it. */
  async function settles(standin: Standin, { type, name, inputs }: GraphResource): Promise<void> {
    const subject = { token: type, name, log: () => undefined };
    assert.deepEqual(standin.check?.(type, inputs), inputs, name);
    const { id, outputs } = await standin.create(subject, inputs);
    assert.deepEqual(standin.diff(type, outputs, inputs, inputs), { changed: [], replaces: [] }, name);
    const found = standin.read && (await standin.read(subject, id, outputs, inputs));
    if (found) assert.deepEqual(standin.diff(type, found.outputs, inputs, found.inputs).changed, [], name);
  }

  for (const [what, site, config] of CASES) {
    it(`take all of the site ${site} with ${what}`, async () => {
      const secret = ["privateKey", "deliverySecrets"].filter((key) => key in config);
      const { resources } = await siteGraph(join(__dirname, `../sites/${site}.json`), config, secret);
      const of = (start: string) => resources.filter(({ type }) => type.startsWith(start));
      for (const resource of of("elasticstack:")) await settles(elasticstack, resource);
      for (const resource of of("random:")) await settles(random, resource);
      for (const { type, inputs } of of("command:")) {
        const checked = command.check?.(type, inputs);
        assert.deepEqual({ ...checked, connection: inputs.connection }, inputs);
      }
      assert.equal(of("pulumi:").length, 2, "the provider, and that of the rules");
      assert.equal(
        of("elasticstack:").length + of("random:").length + of("command:").length + 2,
        resources.filter(({ custom }) => custom).length,
      );
    });
  }
});
