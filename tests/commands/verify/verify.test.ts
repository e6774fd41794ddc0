import assert from "node:assert/strict";
import { join } from "node:path";
import { connectSsh } from "../../../connection/ssh";
import { type ConnectToHost, main, pulumiCli } from "../../../commands/verify";
import {
  readElasticsearchFacts,
  readKibanaFacts,
  readRelayFacts,
} from "../../../commands/verify/server-facts";
import type { Finding } from "../../../commands/verify/finding";
import { formatFindings } from "../../../commands/verify/print";
import { sendToServer, connectThroughSsh } from "../../../commands/verify/send-to-server";
import { EXAMPLE_CONFIG } from "../../../commands/graph";
import { freePort, LOOPBACK } from "../../../core/ports";
import * as servers from "../../../lab/bench/ssh-servers";
import { sample, SITE } from "./samples";
import { exportedStack } from "./samples-state";
import { type Answers, search, startServer, tls, connectTo } from "./site-servers";

const { endAll } = servers;
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
    api_keys: [
      {
        id: "id-dhis",
        name: "dhis2-siem-agent-dhis",
        invalidated: false,
        creation: 1,
        expiration: 4102444800000,
      },
    ],
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

const CONFIG = { ...EXAMPLE_CONFIG, site: join(__dirname, "../../sites/nginx.json") };
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
    const [elasticsearch, kibana] = [await startServer(ELASTICSEARCH), await startServer(KIBANA)];
    const connect = connectTo({ 9200: elasticsearch.port, 5601: kibana.port, 443: kibana.port }, () => HOST);
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
    const [elasticsearch, kibana] = [await startServer(ELASTICSEARCH), await startServer(found)];
    const connect = connectTo({ 9200: elasticsearch.port, 5601: kibana.port, 443: kibana.port }, () => HOST);
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
    const { rules } = await readKibanaFacts(() => Promise.resolve({ status: 200, text }));
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
    const send = (answers: Answers) => (method: string, path: string, body: unknown) => {
      asked.push(JSON.stringify(body ?? {}));
      const answer = answers[`${method} ${path.split("?")[0]}`]?.("") ?? {
        ...search([]),
        aggregations: none,
      };
      return Promise.resolve({ status: 200, text: JSON.stringify(answer) });
    };
    await readElasticsearchFacts(send(ELASTICSEARCH), sample().state, now);
    await readRelayFacts(send({}), "dhis2-siem-relay");
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
      readRelayFacts(() => Promise.resolve({ status: 200, text: JSON.stringify(reply) }), "dhis2-siem-relay");
    assert.deepEqual(await answer(search([])), { failing: 0, error: "" });
    const half = { ...search([]), aggregations: { sent: { last: { value: null } } } };
    await assert.rejects(answer(half), /^Error: it answers something else than was asked for$/);
  });

  it("says what gave no answer, and goes on", async () => {
    const connect = connectTo({}, () => HOST);
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
      assert.match(stderr, /^error: .+\nusage: npm run -s verify -- \[options\] <stack>\n/);
      assert.equal(code, 3);
    }
    const { code, stderr } = await main(["--cnary", "prod"], false);
    assert.match(
      stderr,
      /^error: unknown option '--cnary'\n.*\nusage: npm run -s verify -- \[options\] <stack>\n/,
    );
    assert.equal(code, 3);
    const empty = () => Promise.resolve("{}");
    assert.match((await main(["prod"], false, { pulumi: empty })).stderr, /dhis2-siem:site is missing/);
    const gone: ConnectToHost = () => Promise.reject(new Error("the host stays silent"));
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
      const open = connectThroughSsh(client, "the host");
      const kibana = { host: LOOPBACK, port: (await startServer(KIBANA)).port, name: "siem" };
      const known = { ...kibana, ca: tls.cert, login: { user: "elastic", password: "s3cret" } };
      assert.equal((await sendToServer(open, known, "GET", "/siem/api/status")).status, 200);
      assert.equal((await sendToServer(open, kibana, "GET", "/siem/api/status")).status, 401);
      const other = { ...known, ca: servers.certificate("DNS:siem").cert };
      await assert.rejects(sendToServer(open, other, "GET", "/"), /self-signed certificate|unable to verify/);
      await assert.rejects(sendToServer(open, { ...known, name: "other" }, "GET", "/"), /does not match/);
      const closed = { ...known, port: await freePort() };
      await assert.rejects(sendToServer(open, closed, "GET", "/"), /cannot connect to/);
    } finally {
      client.end();
    }
  });
});

describe("verify's table", () => {
  const findings: Finding[] = [
    { check: "agent", severity: "ok", subject: "all", text: "fine" },
    { check: "disk", severity: "warning", subject: "siem:/", text: "85% full", fix: "more room" },
    {
      check: "rules",
      severity: "problem",
      subject: "O\x1b[2J",
      text: "off\x1b[2J\nnow",
      fix: "pulumi\nup",
    },
  ];

  it("has a line for each finding, and one for the command that fixes it", () => {
    assert.deepEqual(formatFindings(findings, false).split("\n"), [
      "ok       agent  all     fine",
      "WARNING  disk   siem:/  85% full",
      "         fix: more room",
      "PROBLEM  rules  O [2J   off [2J now",
      "         fix: pulumi up",
      "",
      "The site is not watched as it should be: 1 problem, 1 warning.",
      "",
    ]);
    assert.match(formatFindings(findings.slice(0, 2), false), /\n\nThe site is watched: 1 warning\.\n$/);
    assert.match(formatFindings(findings.slice(0, 1), false), /\n\nThe site is watched\.\n$/);
  });

  it("has colours where they are wanted", () => {
    assert.ok(formatFindings(findings, true).startsWith("\x1b[32mok     \x1b[0m  agent"));
    assert.ok(!formatFindings(findings, false).includes("\x1b"));
  });
});
