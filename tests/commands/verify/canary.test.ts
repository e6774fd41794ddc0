import assert from "node:assert/strict";
import { deliverySchema } from "../../../config/delivery";
import { loadDetections } from "../../../detections";
import { CANARY_RULE_ID } from "../../../render/relay";
import { runCanary } from "../../../commands/verify/canary";
import type { Finding } from "../../../commands/verify/finding";
import { endAll } from "../../../lab/bench/ssh-servers";
import { options, sample, SITE } from "./samples";
import { search, startServer, tls, connectTo } from "./site-servers";

describe("verify's canary", () => {
  afterEach(endAll);
  const quick = { linesSeconds: 0.2, alertSeconds: 0.2, deliverySeconds: 0.2 };
  const DELIVERY = deliverySchema.parse({
    destinations: ["duty", "team"].map((name) => ({ name, type: "slack" })),
  });

  /** Returns a site in which a test line gets as far as this step. */
  async function run(reaches: "nothing" | "index" | "alert" | "one" | "delivery"): Promise<Finding[]> {
    let token = "";
    const far = ["nothing", "index", "alert", "one", "delivery"].indexOf(reaches);
    const refused = { alert_sent: false, alert_exception: "the server refused" };
    const tried = (sent: boolean) => () => ({ _source: sent ? { alert_sent: true } : refused });
    const names = SITE.agents.map(({ name }) => name);
    // The lines of the other containers arrive a moment after the first line.
    let looks = 0;
    const { port } = await startServer({
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
          far > 1 && body.includes(CANARY_RULE_ID)
            ? [{ dhis2: { alert: { events: [{ message: token }] } } }]
            : [],
        ),
      "GET /dhis2-siem-relay/_doc/duty%3Adoc-0": tried(far > 2),
      ...(far > 2 && { "GET /dhis2-siem-relay/_doc/team%3Adoc-0": tried(far > 3) }),
    });
    const ways = await connectTo({ 9200: port }, (bundle) => {
      token = /^TOKEN='([0-9a-f]{16})'$/m.exec(bundle)?.[1] ?? "";
      return `${names.join("\n")}\n`;
    })({ ...options.host }, "forward");
    const { state } = sample((site) => {
      site.state.ca = tls.cert;
      site.state.elasticPassword = "s3cret";
      site.state.rules.push({ urn: "", id: CANARY_RULE_ID, name: "Test Alert" });
    });
    const known = { site: SITE, options: { ...options, delivery: DELIVERY }, state };
    return runCanary(ways, known, { deadlines: quick });
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
    const rule = loadDetections().detections.find(({ id }) => id === CANARY_RULE_ID);
    assert.deepEqual([rule?.name, rule?.enabled, rule?.severity], ["siem_canary", true, "informational"]);
  });
});
