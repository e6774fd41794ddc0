import assert from "node:assert/strict";
import type { Destination } from "../../config/delivery";
import { renderAlertMappings } from "../../pipelines";
import { renderRelayMappings, type RelayTarget } from "../../render/relay";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { putPipelines } from "../../commands/elasticsearch/pipelines";
import { certificate, MailServer, PASSWORD, Receiver } from "./destinations";
import type { Json } from "../../core/json";
import { KibanaStatus } from "./kibana";
import { RelayProcess, until } from "./relay";
import { alert, destination } from "./samples";

const TOKEN = "Bearer not-for-a-journal";
/** Looks every second whether the servers are there, and tells after three. */
const shortTimes =
  "import siem_relay, siem_outages; from datetime import timedelta; siem_relay.CHECK_SECONDS = 1; siem_outages.OUTAGE_AFTER = timedelta(seconds=3); siem_outages.RECOVERY_AFTER = timedelta(0)";

describe("the relay, on real ElastAlert", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let pipeline: string;
  const tls = certificate();
  let mail: MailServer;
  let hook: Receiver;
  let target: RelayTarget;
  let relay: RelayProcess;
  let number = 0;
  let kibana: KibanaStatus;

  before(async () => {
    elasticsearch = await realElasticsearch();
    pipeline = (await putPipelines(elasticsearch, "relay")).alerts;
  });
  beforeEach(async () => {
    target = {
      fqdn: "dhis2.example.org",
      timezone: "Africa/Accra",
      kibanaUrl: "https://dhis2.example.org/siem",
      alertIndex: `alerts-relay-${++number}`,
      alertsView: "alerts-view",
      siemAddress: "127.0.0.1",
      stateIndex: `relay-relay-${number}`,
    };
    const settings = { number_of_replicas: 0 };
    await elasticsearch.call("PUT", `/${target.alertIndex}`, {
      mappings: renderAlertMappings(),
      settings: { ...settings, default_pipeline: pipeline },
    });
    await elasticsearch.call("PUT", "/_index_template/relay-relay", {
      index_patterns: ["relay-relay-*"],
      template: { settings, mappings: renderRelayMappings() },
    });
    mail = await new MailServer(tls).up();
    hook = await new Receiver(tls).up();
    kibana = await new KibanaStatus().up();
  });
  afterEach(async () => {
    await relay.end();
    await kibana.down();
    await mail.down();
    await hook.down();
    const all = [target.alertIndex, target.stateIndex, `${target.stateIndex}_status`].join(",");
    await elasticsearch.call("DELETE", `/${all}?ignore_unavailable=true`);
  });

  const byMail = (more: Json = {}, group = 0) => {
    const people = { from: "siem@example.org", to: ["duty@example.org"], user: "siem" };
    const server = { host: "127.0.0.1", port: mail.port, ca: tls.cert };
    return destination({ name: "mail", type: "email", ...server, ...people, ...more }, group);
  };
  const byHook = (more: Json = {}, group = 0) => {
    const url = `https://127.0.0.1:${hook.port}/hook`;
    return destination({ name: "hook", type: "webhook", url, ca: tls.cert, ...more }, group);
  };

  const chatSecrets = () => ({
    slack: `https://127.0.0.1:${hook.port}/services/T0/B0/not-for-a-journal`,
    teams: `https://127.0.0.1:${hook.port}/teams/not-for-a-journal?api-version=2016-06-01&sig=not-for-a-journal%2Feither`,
    telegram: "123456:not-for-a-journal",
  });

  function start(...destinations: Destination[]): void {
    const ports = { elasticsearchPort: elasticsearch.port, kibanaPort: kibana.port };
    const secrets = { mail: PASSWORD, hook: TOKEN, ...chatSecrets() };
    relay = RelayProcess.start({ ...ports, target, destinations, secrets, trust: tls.cert });
  }

  const wait = (what: string, is: () => boolean | Promise<boolean>, seconds?: number) =>
    until(what, is, () => relay.journal, seconds);

  async function store(...alerts: Json[]): Promise<string[]> {
    const lines = alerts.flatMap((one) => [{ create: {} }, one]);
    const answer = await elasticsearch.bulk(`/${target.alertIndex}/_bulk?refresh=true`, lines);
    return (answer.items as { create: { _id: string } }[]).map(({ create }) => create._id);
  }

  /** What the relay keeps, by a filter. */
  async function kept(filter: object): Promise<Json[]> {
    const path = `/${target.stateIndex}/_search?ignore_unavailable=true&size=1000`;
    // The index may be a moment old, and not yet ready.
    const answer = await elasticsearch
      .call("POST", path, { query: filter })
      .catch((error: Error) =>
        error.message.includes(": 503 ") ? { hits: { hits: [] } } : Promise.reject(error),
      );
    return (answer.hits as { hits: { _source: Json }[] }).hits.map(({ _source }) => _source);
  }

  const sent = async (name: string) =>
    (await kept({ bool: { filter: [{ term: { rule_name: name } }, { term: { alert_sent: true } }] } }))
      .length;

  /** Two more runs than there were: what would come a second time has come. */
  async function twoRuns(name = "hook"): Promise<void> {
    const last = async () => {
      const path = `/${target.stateIndex}_status/_doc/${name}`;
      const { _version } = await elasticsearch.call("GET", path);
      return Number(_version);
    };
    const before = await last();
    await wait("two more runs", async () => (await last()) >= before + 3);
  }

  it("mails an alert once, over checked TLS, with its rule, entity, events, note and link", async () => {
    start(byMail());
    const [id] = await store(alert("high", "admin"));
    await wait("the mail", async () => (await sent("mail")) === 1);
    await twoRuns("mail");
    assert.equal(mail.got.length, 1);
    const [{ to, secure, user, text } = assert.fail()] = mail.got;
    assert.deepEqual([to, secure, user], [["duty@example.org"], true, "siem"]);
    assert.match(text, /^Subject: \[high\] DHIS2 failed logins: "admin"\r$/m);
    for (const said of [
      "Rule: DHIS2 failed logins",
      "About: “admin”",
      "Count: 3",
      "Within: 5m",
      "Ask the user; then look at the proxy.",
      "- 2024-03-01 10:11:12 GMT dhis: “login of admin failed Bcc: <everybody[@]example[.]org> 'é'”",
      `In Kibana: https://dhis2.example.org/siem/app/discover#/doc/alerts-view/${target.alertIndex}?id=${id}`,
    ])
      assert.ok(text.includes(said), `${said}\n${text}`);
    assert.doesNotMatch(text, /^Bcc/m);
  });

  it("makes one message of ten alerts that come within the minutes of grouping", async () => {
    start(byHook({}, 0.1), byMail({}, 0.1));
    for (let at = 0; at < 10; at++) await store(alert("high", `user${at}`));
    await wait("both", async () => (await sent("hook")) === 10 && (await sent("mail")) === 10);
    assert.deepEqual([hook.got.length, mail.got.length], [1, 1]);
    assert.equal(new Set(hook.alertIds()).size, 10);
    assert.equal(hook.got[0]?.headers.authorization, TOKEN);
    assert.match(mail.got[0]?.text ?? "", /^Subject: \[high\] 10 alerts: DHIS2 failed logins\r$/m);
    for (let at = 0; at < 10; at++)
      assert.match(mail.got[0]?.text ?? "", new RegExp(`About: “user${at}”\r?$`, "m"));
  });

  it("tells Slack, Teams and Telegram in their own forms, and no secret to its journal", async () => {
    hook.status = 500;
    const api = `https://127.0.0.1:${hook.port}`;
    const chats = [
      { name: "slack", type: "slack" },
      { name: "teams", type: "teams" },
      { name: "telegram", type: "telegram", chat: "-100123", api },
    ];
    start(...chats.map((chat) => destination(chat)));
    await store(alert("high", "<!channel> *a* `b` &"));
    await wait("refusals", () => hook.refused >= 3);
    hook.status = 200;
    const names = chats.map(({ name }) => name);
    await wait("all", async () => (await Promise.all(names.map(sent))).every((count) => count === 1));
    const body = (start: string) => hook.got.find(({ path }) => path.startsWith(start))?.body ?? {};
    const [attachment = {}] = body("/services/").attachments as Json[];
    assert.match(String(attachment.title), /^\[high\] DHIS2 failed logins: "__channel_ _a_ _b_ _"$/);
    assert.doesNotMatch(JSON.stringify(attachment), /<!/);
    const [section = {}] = body("/teams/").sections as Json[];
    assert.match(String(section.text), /^```\[high\] DHIS2 failed logins: /);
    assert.match(String(section.text), /Ask the user; then look at the proxy\./);
    const { chat_id, text, parse_mode } = body("/bot123456:not-for-a-journal/sendMessage");
    assert.deepEqual([chat_id, parse_mode], ["-100123", undefined]);
    assert.match(String(text), /^About: “<!channel> \*a\* 'b' &”$/m);
    assert.equal(hook.got.length, 3);
    await relay.end();
    for (const name of names)
      assert.ok(relay.journal.includes(`${name}: attempt 1 to deliver 1 alert`), name);
    const failed = JSON.stringify(await kept({ match_all: {} })) + relay.journal;
    assert.ok(!failed.includes("not-for-a-journal"), failed);
  });

  it("takes what a destination is for: severities and rules", async () => {
    const none = { ...byMail(), rules: ["none"] };
    start(byHook({ severities: "high" }), none);
    const [, high, critical] = await store(alert("medium", "a"), alert("high", "b"), alert("critical", "c"));
    await wait("two", async () => (await sent("hook")) === 2);
    await twoRuns();
    assert.deepEqual(hook.alertIds().sort(), [high, critical].sort());
    assert.equal(mail.got.length, 0);
  });

  it("holds alerts back in quiet hours, never a critical one, and loses none", async () => {
    start(byHook({ quietHours: { from: "00:00", to: "24:00" } }));
    const [high, critical] = await store(alert("high", "a"), alert("critical", "b"));
    await wait("the critical one", async () => (await sent("hook")) === 1);
    await twoRuns();
    assert.deepEqual(hook.alertIds(), [critical]);
    // The hours are over.
    await relay.end();
    start(byHook());
    await wait("the other", async () => (await sent("hook")) === 2);
    assert.deepEqual(hook.alertIds(), [critical, high]);
  });

  it("keeps what a destination that is down or refuses does not take, also over restarts: each arrives once", async () => {
    await mail.down();
    hook.status = 401;
    start(byMail(), byHook());
    const first = await store(alert("high", "a"), alert("low", "b"));
    const tries = async (name: string) =>
      Number((await kept({ term: { rule_name: name } }))[0]?.attempts ?? 0);
    await wait("attempts", async () => (await tries("mail")) >= 2 && (await tries("hook")) >= 2);
    await relay.end();
    assert.match(
      relay.journal,
      /hook: attempt 2 to deliver 2 alert\(s\) failed, and will be repeated: HTTPError: .* 401/,
    );
    assert.match(
      relay.journal,
      /mail: attempt 2 to deliver 2 alert\(s\) failed, and will be repeated: ConnectionRefusedError/,
    );
    // Back, but it refuses: ElastAlert's own would forget these.
    await mail.up();
    mail.refuses = true;
    const second = await store(alert("high", "c"));
    start(byMail(), byHook());
    await wait("a refusal of each", () => mail.refused >= 2 && hook.refused >= 4);
    assert.ok(relay.running);
    assert.match(relay.journal, /mail: attempt .* SMTPDataError: \(550, b'No such mailbox'\)/);
    mail.refuses = false;
    hook.status = 200;
    await wait("all", async () => (await sent("mail")) === 3 && (await sent("hook")) === 3);
    await twoRuns();
    assert.deepEqual(hook.alertIds().sort(), [...first, ...second].sort());
    assert.equal(
      mail.got.map(({ text }) => text.match(/^About: /gm)?.length).reduce((a = 0, b = 0) => a + b, 0),
      3,
    );
    assert.ok(!relay.journal.includes(TOKEN) && !relay.journal.includes(PASSWORD), relay.journal);
  });

  it("tells all that is with a line that a destination refuses, and of that alert what it takes", async () => {
    mail.refusedText = hook.refusedText =
      "XJS*C4JDBQADN1*NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C*34X";
    const ids = await store(alert("high", "a"), alert("high", mail.refusedText), alert("high", "c"));
    start(byMail(), byHook());
    await wait("all", async () => (await sent("mail")) === 3 && (await sent("hook")) === 3, 120);
    await twoRuns();
    // Three times together, three times alone, and then without what the line brought.
    assert.deepEqual([mail.refused, hook.refused, mail.got.length, hook.got.length], [6, 6, 3, 3]);
    assert.deepEqual(hook.alertIds().sort(), [...ids].sort());
    assert.equal(new Set(hook.got.map(({ headers }) => headers["idempotency-key"])).size, 3);
    const whole = mail.got.filter(({ text }) => /^About: “[ac]”\r?$/m.test(text));
    assert.equal(whole.length, 2);
    const [bare] = mail.got.filter((one) => !whole.includes(one));
    const link = `In Kibana: ${target.kibanaUrl}/app/discover#/doc/alerts-view/${target.alertIndex}?id=${ids[1]}`;
    for (const said of ["[high] DHIS2 failed logins", "At: ", "could not be sent", "are in Kibana", link])
      assert.ok(bare?.text.includes(said), `${said}\n${bare?.text}`);
    assert.doesNotMatch(bare?.text ?? "", /GTUBE|About:|The events/);
    assert.match(relay.journal, /mail: attempt 3 to deliver 3 alert\(s\) failed/);
    assert.match(relay.journal, /mail: attempt 6 to deliver 1 alert\(s\) failed/);
  });

  it("tells critical alerts first, in messages of their own, however many others there are", async () => {
    const lesser = Array.from({ length: 120 }, (_, at) => alert("high", `user${at}`));
    const ids = await store(...lesser, alert("critical", "worst"));
    hook.status = 500;
    start(byHook());
    await wait("failures of both kinds", () => hook.refused >= 4);
    hook.status = 200;
    await wait("all", async () => (await sent("hook")) === 121);
    assert.deepEqual(hook.alertIds().slice(0, 1), ids.slice(-1));
    const sizes = hook.got.map(({ body }) => (body.alerts as Json[]).length);
    assert.deepEqual([sizes[0], ...sizes.slice(1).sort()], [1, 20, 50, 50]);
    assert.equal(new Set(hook.alertIds()).size, 121);
  });

  it("killed again and again while alerts come, brings each once", async () => {
    start(byHook());
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      ids.push(...(await store(alert("high", `a${round}`), alert("high", `b${round}`))));
      await wait("one is kept", async () => (await kept({ match_all: {} })).length > 2 * round);
      ids.push(...(await store(alert("high", `c${round}`))));
      await relay.end("SIGKILL");
      start(byHook());
    }
    await wait("all", async () => (await sent("hook")) === ids.length);
    await twoRuns();
    const byMessage = new Map(hook.got.map((posted) => [posted.headers["idempotency-key"], posted]));
    const alerts = [...byMessage.values()].flatMap(({ body }) => body.alerts as { _id: string }[]);
    assert.deepEqual(alerts.map(({ _id }) => _id).sort(), [...ids].sort());
  });

  it("tells people, whatever the hour, that Elasticsearch can keep nothing or is not there, and when it is back", async () => {
    const destinations = [byHook({ quietHours: { from: "00:00", to: "24:00" } })];
    const setup = {
      kibanaPort: kibana.port,
      target,
      destinations,
      secrets: { hook: TOKEN },
      trust: tls.cert,
      shortTimes,
    };
    const titles = () => hook.got.map(({ body }) => String(body.title).replace(/:.*/, ""));
    const outage = "[critical] The SIEM does not work";
    relay = RelayProcess.start({ ...setup, elasticsearchPort: 1 });
    await wait("that it is not there", () => hook.got.length === 1);
    assert.match(String(hook.got[0]?.body.text), /The last error: ConnectionError: .*Connection refused/);
    assert.ok(relay.running);
    await relay.end();
    relay = RelayProcess.start({ ...setup, elasticsearchPort: elasticsearch.port });
    await wait("a look", () => relay.journal.includes("hook: looks for alerts"));
    const block = (on: boolean | null) =>
      elasticsearch.call("PUT", `/${target.stateIndex}*/_settings`, { "index.blocks.read_only": on });
    await block(true);
    await wait("that it keeps nothing", () => hook.got.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await block(null);
    await wait("that it is back", () => hook.got.length === 3);
    assert.deepEqual(titles(), [outage, outage, "[informational] The SIEM works again"]);
    const blocked = /The last error: AuthorizationException: .*cluster_block_exception/;
    assert.match(String(hook.got[1]?.body.text), blocked);
  });

  it("tells people that nothing is judged while Kibana cannot work, from when to when, and nothing where it wants a login", async () => {
    kibana.status = 401;
    const ports = { elasticsearchPort: elasticsearch.port, kibanaPort: kibana.port };
    const setup = { ...ports, target, destinations: [byHook()], secrets: { hook: TOKEN }, trust: tls.cert };
    relay = RelayProcess.start({ ...setup, shortTimes });
    await wait("a look", () => kibana.asked.length > 0);
    assert.equal(kibana.asked[0], "/siem/api/status");
    await new Promise((resolve) => setTimeout(resolve, 5000));
    assert.equal(hook.got.length, 0);
    kibana.status = 503;
    await wait("that nothing is judged", () => hook.got.length === 1);
    kibana.status = 200;
    await wait("that it is back", () => hook.got.length === 2);
    const [lost, back] = hook.got.map(({ body }) => body);
    assert.equal(lost?.title, "[critical] No rule runs: Kibana cannot be used");
    assert.match(String(lost.text), /The last error: HTTPError: Kibana answers 503: .*"unavailable"/);
    assert.equal(back?.title, "[informational] Rules run again: Kibana is back");
    const span = /It could not be used from \S+ \S+ to \S+ \S+ UTC\. No rule ran in that time/;
    assert.match(String(back.text), span);
  });

  it("works on a state that was made before a field of it was, and on the same with the mappings that bring it", async () => {
    // No template is for this name.
    target = { ...target, stateIndex: "relay-of-old" };
    const { properties, ...rest } = renderRelayMappings() as { properties: Json };
    const { urgent, ...older } = properties;
    const state = `/${target.stateIndex}`;
    await elasticsearch.call("PUT", state, { mappings: { ...rest, properties: older } });
    start(byHook());
    const [first] = await store(alert("high", "a"));
    await wait("the alert", async () => (await sent("hook")) === 1);
    await elasticsearch.call("PUT", `${state}/_mapping`, renderRelayMappings());
    const answer = await elasticsearch.call("GET", `${state}/_mapping`);
    const now = answer[target.stateIndex] as { mappings: { dynamic: string; properties: Json } };
    assert.deepEqual([now.mappings.dynamic, now.mappings.properties.urgent], ["false", urgent]);
    const [second] = await store(alert("critical", "b"));
    await wait("the other", async () => (await sent("hook")) === 2);
    assert.deepEqual(hook.alertIds(), [first, second]);
    await elasticsearch.call("PUT", `${state}/_mapping`, renderRelayMappings());
  });

  it("killed before it knows that a message was taken, sends the same message with the same id", async () => {
    const killed = new Promise<void>((resolve) => {
      hook.onPost = () => {
        hook.onPost = () => undefined;
        void relay.end("SIGKILL").then(resolve);
      };
    });
    start(byHook());
    const [id] = await store(alert("high", "a"));
    await killed;
    start(byHook());
    await wait("it", async () => (await sent("hook")) === 1);
    assert.deepEqual(hook.alertIds(), [id, id]);
    assert.equal(hook.got[0]?.headers["idempotency-key"], hook.got[1]?.headers["idempotency-key"]);
  });

  it("brings a message that was on its way to its end before it stops", async () => {
    let stopped: Promise<void> | undefined;
    hook.onPost = () => void (stopped = relay.end("SIGTERM"));
    start(byHook());
    await store(alert("high", "a"));
    await wait("the message", () => stopped !== undefined);
    await stopped;
    assert.equal(await sent("hook"), 1);
  });
});
