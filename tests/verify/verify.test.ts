import assert from "node:assert/strict";
import { createServer } from "node:https";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { deliverySchema } from "../../config/delivery";
import { connectSsh } from "../../reach/ssh";
import { type Connect, main, pulumiCli } from "../../tools/verify";
import { CANARY_RULE } from "../../render/relay";
import { canary } from "../../tools/verify/canary";
import { elasticsearchFacts, kibanaFacts, relayFacts } from "../../tools/verify/elastic";
import type { Finding } from "../../tools/verify/finding";
import { table } from "../../tools/verify/print";
import { send, through } from "../../tools/verify/servers";
import { loadDetections } from "../../detections";
import { EXAMPLE_CONFIG } from "../../tools/graph";
import * as servers from "../reach/servers";
import { options, sample, SITE } from "./samples";
import { exportedStack } from "./samples-state";

const { LOOPBACK, endAll } = servers;
const tls = servers.certificate("DNS:siem");
const LOGIN = `Basic ${Buffer.from("elastic:s3cret").toString("base64")}`;
type Answers = Record<string, (body: string) => unknown>;

/** Elasticsearch or Kibana: answers by "METHOD path", to the stack's own login only. Gives its port and what it was asked. */
async function server(answers: Answers): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const port = await servers.listenAnywhere(
    createServer(tls, (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const call = `${request.method} ${(request.url ?? "").split("?")[0]}`;
        asked.push(call);
        const answer = answers[call];
        response.statusCode = request.headers.authorization === LOGIN ? (answer ? 200 : 404) : 401;
        response.end(JSON.stringify(answer && response.statusCode === 200 ? answer(body) : { error: "no" }));
      });
    }),
  );
  return { port, asked };
}

const search = (sources: object[]) => ({
  hits: {
    total: { value: sources.length },
    hits: sources.map((source, n) => ({ _id: `doc-${n}`, _source: source })),
  },
});
const now = Date.now();
const ELASTICSEARCH: Answers = {
  "GET /": () => ({ version: { number: "8.19.8" } }),
  "POST /logs-dhis2-default/_search": () => ({
    hits: { total: { value: 500 } },
    aggregations: {
      first: { value: now - 86_400_000 },
      containers: { buckets: [{ key: "dhis", last: { value: now - 1000 } }] },
    },
  }),
  "GET /logs-dhis2-default/_stats/docs,store": () => ({
    _all: { primaries: { docs: { count: 1000 }, store: { size_in_bytes: 5000 } } },
  }),
  "GET /_security/api_key": () => ({
    api_keys: [{ id: "id-dhis", name: "dhis2-siem-agent-dhis", invalidated: false, creation: 1 }],
  }),
  "POST /_index_template/_simulate_index/logs-dhis2-default": () => ({
    template: {
      settings: { index: { final_pipeline: "dhis2-siem-default-logs" } },
      lifecycle: { enabled: true, data_retention: "90d" },
    },
    overlapping: [{ name: "logs", index_patterns: ["logs-*-*"] }],
  }),
  "POST /.kibana-event-log-*/_search": () => search([]),
  "GET /_data_stream/logs-dhis2-default": () => ({
    data_streams: [{ name: "logs-dhis2-default", lifecycle: { enabled: true, data_retention: "90d" } }],
  }),
};
const KIBANA: Answers = {
  "GET /siem/api/status": () => ({
    version: { number: "8.19.8" },
    status: { overall: { level: "available" } },
  }),
  "GET /siem/api/alerting/rules/_find": () => ({
    page: 1,
    per_page: 1000,
    total: 1,
    data: [
      {
        id: "r1",
        name: "A rule",
        enabled: true,
        execution_status: { status: "ok", last_execution_date: new Date(now).toISOString() },
      },
    ],
  }),
};

/** Connections go to the servers of these ports; 443 is the proxy, which leads to Kibana and asks for no CA. */
function way(ports: Readonly<Record<number, number>>, run: (bundle: string) => string): Connect {
  const open = (_host: string, port: number) =>
    new Promise<ReturnType<typeof connectTcp>>((resolve, reject) => {
      const socket = connectTcp(ports[port] ?? 1, LOOPBACK, () => resolve(socket));
      socket.once("error", reject);
    });
  const ways = {
    run: (command: string, bundle = "") => {
      assert.equal(command, "sudo -n bash -s");
      return Promise.resolve(run(bundle));
    },
    open,
    close: () => undefined,
  };
  return () => Promise.resolve(ways);
}

const CONFIG = { ...EXAMPLE_CONFIG, site: join(__dirname, "../sites/nginx.json") };
const pulumi = (args: readonly string[]) =>
  Promise.resolve(
    args[0] === "config"
      ? JSON.stringify(
          Object.fromEntries(
            Object.entries(CONFIG).map(([key, value]) => [`dhis2-siem:${key}`, { value, secret: false }]),
          ),
        )
      : exportedStack({ ca: tls.cert }),
  );

/** What host.sh says of a host whose one agent with a state is dhis. */
const HOST = [
  `\t${JSON.stringify(
    SITE.containers.map(({ name }) => ({
      name,
      status: "Running",
      config: { "volatile.uuid": `u-${name}` },
    })),
  )}`,
  ...["dhis", "siem"].flatMap((name) =>
    [
      ["unit", "filebeat", "active"],
      ["file", "/etc/filebeat/filebeat.yml", "aa"],
      ["file", "/etc/kibana/kibana.yml", "edited"],
    ].map(([fact, key, value]) => `${name}\t${JSON.stringify({ fact, key, value })}`),
  ),
].join("\n");

describe("npm run verify", () => {
  afterEach(endAll);

  it("looks over the way to the host, and prints what it finds for machines", async () => {
    const [elasticsearch, kibana] = [await server(ELASTICSEARCH), await server(KIBANA)];
    const connect = way({ 9200: elasticsearch.port, 5601: kibana.port, 443: kibana.port }, () => HOST);
    const { stdout, stderr, code } = await main(["prod", "--json"], false, { pulumi, connect });
    assert.deepEqual([stderr, code], ["", 2]);
    const said = JSON.parse(stdout) as { stack: string; code: number; findings: Finding[] };
    assert.deepEqual([said.stack, said.code], ["prod", 2]);
    const of = (check: string) => said.findings.filter((finding) => finding.check === check);
    for (const check of ["elasticsearch", "kibana", "rules", "keys", "template", "proxy"])
      assert.deepEqual(
        of(check).map(({ severity }) => severity),
        ["ok"],
        check,
      );
    assert.deepEqual(
      of("files").map(({ severity, subject }) => [severity, subject]),
      [["problem", "siem:/etc/kibana/kibana.yml"]],
    );
    assert.deepEqual(
      of("sending").map(({ subject }) => subject),
      ["monitor", "postgres", "proxy"],
    );
    assert.ok(!stdout.includes("s3cret"));
    for (const call of [...elasticsearch.asked, ...kibana.asked])
      assert.match(call, /^(GET|POST .*\/(_search|_simulate_index\/.*)$)/, "it only reads");
  });

  it("takes a rule whose only alert is muted for one that writes none", async () => {
    const rule = {
      id: "r1",
      name: "A rule",
      enabled: true,
      mute_all: false,
      muted_alert_ids: ["query matched"],
    };
    const data = [{ ...rule, execution_status: { status: "ok" } }];
    const found = { ...KIBANA, "GET /siem/api/alerting/rules/_find": () => ({ total: 1, data }) };
    const [elasticsearch, kibana] = [await server(ELASTICSEARCH), await server(found)];
    const connect = way({ 9200: elasticsearch.port, 5601: kibana.port, 443: kibana.port }, () => HOST);
    const { stdout } = await main(["prod"], false, { pulumi, connect });
    assert.match(
      stdout,
      /^PROBLEM {2}rules +A rule +alerts of this rule are muted in Kibana.*: query matched$/m,
    );
  });

  it("takes a rule that is muted or snoozed for silent", async () => {
    const rule = { id: "r", name: "R", enabled: true, execution_status: { status: "ok" } };
    const data = [rule, { ...rule, mute_all: true }, { ...rule, snooze_schedule: [{ duration: 1 }] }];
    const status = KIBANA["GET /siem/api/status"]?.("") as object;
    const text = JSON.stringify({ ...status, total: data.length, data });
    const { rules } = await kibanaFacts(() => Promise.resolve({ status: 200, text }));
    assert.deepEqual(
      rules.map(({ silenced }) => silenced),
      [false, true, true],
    );
  });

  it("counts what failed, and none of what went well, or was delivered after all", async () => {
    const asked: string[] = [];
    const none = {
      sent: { last: { value: null } },
      failing: { doc_count: 0, newest: { hits: { hits: [] } } },
    };
    const ask = (answers: Answers) => (method: string, path: string, body: unknown) => {
      asked.push(JSON.stringify(body ?? {}));
      const answer = answers[`${method} ${path.split("?")[0]}`]?.("") ?? {
        ...search([]),
        aggregations: none,
      };
      return Promise.resolve({ status: 200, text: JSON.stringify(answer) });
    };
    await elasticsearchFacts(ask(ELASTICSEARCH), sample().state, now);
    await relayFacts(ask({}), "dhis2-siem-relay");
    const failed = '{"term":{"event.provider":"actions"}},{"term":{"event.outcome":"failure"}}';
    const waits = '{"term":{"alert_sent":false}},{"range":{"attempts":{"gte":1}}}';
    for (const filter of [failed, waits])
      assert.ok(
        asked.some((body) => body.includes(filter)),
        filter,
      );
  });

  it("takes a relay without an index for one that delivered nothing yet, and another answer for none", async () => {
    const answer = (reply: object) =>
      relayFacts(() => Promise.resolve({ status: 200, text: JSON.stringify(reply) }), "dhis2-siem-relay");
    assert.deepEqual(await answer(search([])), { failing: 0, said: "" });
    const half = { ...search([]), aggregations: { sent: { last: { value: null } } } };
    await assert.rejects(answer(half), /^Error: it answers something else than was asked for$/);
  });

  it("says what gave no answer, and goes on", async () => {
    const connect = way({}, () => HOST);
    const { stdout, code } = await main(["prod"], false, { pulumi, connect });
    assert.equal(code, 2);
    assert.match(
      stdout,
      /^PROBLEM {2}elasticsearch +siem +Elasticsearch (is down|gives no good answer: .*ECONNREFUSED)/m,
    );
    assert.match(stdout, /^PROBLEM {2}kibana +siem +Kibana/m);
    assert.match(stdout, /The site is not watched as it should be: \d+ problems, \d+ warnings\.\n$/);
  });

  it("could not look: a usage that is none, no state, a host that is not there", async () => {
    for (const args of [[], ["a", "b"]]) {
      const { stderr, code } = await main(args, false);
      assert.match(stderr, /^usage: npm run -s verify -- STACK/);
      assert.equal(code, 3);
    }
    const empty = () => Promise.resolve("{}");
    assert.match((await main(["prod"], false, { pulumi: empty })).stderr, /dhis2-siem:site: is missing/);
    const gone: Connect = () => Promise.reject(new Error("the host stays silent"));
    assert.deepEqual(await main(["prod"], false, { pulumi, connect: gone }), {
      stdout: "",
      stderr: "the host stays silent\n",
      code: 3,
    });
  });

  it("says when there is no Pulumi on the PATH", async () => {
    const nowhere = pulumiCli(__dirname, { PATH: "/nowhere" });
    await assert.rejects(nowhere(["config"]), /there is no pulumi command/);
  });

  it("reaches servers behind the host through SSH, and knows them by the stack's CA", async () => {
    const [hostKeys, login] = [servers.keys(), servers.keys()];
    const { port } = await servers.sshServer({ hostPrivateKey: hostKeys.private, authorized: login.public });
    const client = await connectSsh({
      host: LOOPBACK,
      port,
      user: "admin",
      hostKey: hostKeys.public,
      privateKey: login.private,
    });
    try {
      const open = through(client, "the host");
      const kibana = { host: LOOPBACK, port: (await server(KIBANA)).port, name: "siem" };
      const known = { ...kibana, ca: tls.cert, login: { user: "elastic", password: "s3cret" } };
      assert.equal((await send(open, known, "GET", "/siem/api/status")).status, 200);
      assert.equal((await send(open, kibana, "GET", "/siem/api/status")).status, 401);
      const other = { ...known, ca: servers.certificate("DNS:siem").cert };
      await assert.rejects(send(open, other, "GET", "/"), /self-signed certificate|unable to verify/);
      await assert.rejects(send(open, { ...known, name: "other" }, "GET", "/"), /does not match/);
      const closed = { ...known, port: await servers.freePort() };
      await assert.rejects(send(open, closed, "GET", "/"), /cannot connect to/);
    } finally {
      client.end();
    }
  });
});

describe("verify's table", () => {
  const findings: Finding[] = [
    { check: "agent", severity: "ok", subject: "all", text: "fine" },
    { check: "disk", severity: "warning", subject: "siem:/", text: "85% full", mend: "more room" },
    {
      check: "rules",
      severity: "problem",
      subject: "O\x1b[2J",
      text: "off\x1b[2J\nnow",
      mend: "pulumi\nup",
    },
  ];

  it("has a line for each finding, and one for the command that mends it", () => {
    assert.deepEqual(table(findings, false).split("\n"), [
      "ok       agent  all     fine",
      "WARNING  disk   siem:/  85% full",
      "         mend: more room",
      "PROBLEM  rules  O [2J   off [2J now",
      "         mend: pulumi up",
      "",
      "The site is not watched as it should be: 1 problem, 1 warning.",
      "",
    ]);
    assert.match(table(findings.slice(0, 2), false), /\n\nThe site is watched: 1 warning\.\n$/);
    assert.match(table(findings.slice(0, 1), false), /\n\nThe site is watched\.\n$/);
  });

  it("has colours where they are wanted", () => {
    assert.ok(table(findings, true).startsWith("\x1b[32mok     \x1b[0m  agent"));
    assert.ok(!table(findings, false).includes("\x1b"));
  });
});

describe("verify's canary", () => {
  afterEach(endAll);
  const quick = { lines: 0.2, alert: 0.2, delivery: 0.2 };
  const DELIVERY = deliverySchema.parse({
    destinations: ["duty", "team"].map((name) => ({ name, type: "slack" })),
  });

  /** A site in which a line gets as far as this. */
  async function run(reaches: "nothing" | "index" | "alert" | "one" | "delivery"): Promise<Finding[]> {
    let token = "";
    const far = ["nothing", "index", "alert", "one", "delivery"].indexOf(reaches);
    const refused = { alert_sent: false, alert_exception: "the server refused" };
    const tried = (sent: boolean) => () => ({ _source: sent ? { alert_sent: true } : refused });
    const names = SITE.agents.map(({ name }) => name);
    // The others' lines come a moment after the first one's.
    let looks = 0;
    const { port } = await server({
      "POST /logs-dhis2-default/_search": (body) =>
        search(
          far > 0 && body.includes(token)
            ? names
                .slice(0, looks++ === 0 ? 1 : undefined)
                .map((name) => ({ dhis2: { container: { name } } }))
            : [],
        ),
      "POST /alerts-dhis2-default/_search": (body) =>
        search(
          far > 1 && body.includes(CANARY_RULE)
            ? [{ dhis2: { alert: { events: [{ message: token }] } } }]
            : [],
        ),
      "GET /dhis2-siem-relay/_doc/duty%3Adoc-0": tried(far > 2),
      ...(far > 2 && { "GET /dhis2-siem-relay/_doc/team%3Adoc-0": tried(far > 3) }),
    });
    const ways = await way({ 9200: port }, (bundle) => {
      token = /^TOKEN='([0-9a-f]{16})'$/m.exec(bundle)?.[1] ?? "";
      return `${names.join("\n")}\n`;
    })({ ...options.host }, "forward");
    const { state } = sample((site) => {
      site.state.ca = tls.cert;
      site.state.elasticPassword = "s3cret";
      site.state.rules.push({ urn: "", id: CANARY_RULE, name: "Test Alert" });
    });
    const known = { site: SITE, options: { ...options, delivery: DELIVERY }, state };
    return canary(ways, known, { deadlines: quick });
  }
  const short = (findings: Finding[]) => findings.map(({ severity, subject }) => `${severity} ${subject}`);

  it("is followed until its alert is delivered", async () => {
    assert.deepEqual(short(await run("delivery")), ["ok lines", "ok alert", "ok delivery"]);
  });

  it("is missed where it does not arrive", async () => {
    const lost = SITE.agents.map(({ name }) => `problem ${name}`);
    assert.deepEqual(short(await run("nothing")), [...lost, "problem alert"]);
    assert.deepEqual(short(await run("index")), ["ok lines", "problem alert"]);
    const lacks = ["problem delivery to duty", "problem delivery to team"];
    assert.deepEqual(short(await run("alert")), ["ok lines", "ok alert", ...lacks]);
  });

  it("is not delivered while one destination lacks it, and says what the relay said of that", async () => {
    const findings = await run("one");
    assert.deepEqual(short(findings), ["ok lines", "ok alert", "problem delivery to team"]);
    assert.match(findings.at(-1)?.text ?? "", /^the alert was not delivered within .*: the server refused$/);
  });

  it("has a rule of its own, on, that alarms nobody", () => {
    const rule = loadDetections().find(({ id }) => id === CANARY_RULE);
    assert.deepEqual([rule?.name, rule?.enabled, rule?.severity], ["siem_canary", true, "informational"]);
  });
});
