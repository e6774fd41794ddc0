import assert from "node:assert/strict";
import { floodWatch, MAX_GROUPS } from "../../detections/flood";
import { loadDetections } from "../../detections";
import type { Detection } from "../../detections/detection";
import type { Json } from "../../core/json";
import { matches, searchBody } from "../../kibana/es-query";
import { dslParams } from "../../kibana/rule-params";
import { renderParams } from "../../render/rule";
import { renderMappings } from "../../pipelines";
import { filebeatEvents } from "../../commands/parse/filebeat";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { NEVER_LATE, putPipelines } from "../../commands/elasticsearch/pipelines";

const INDEX = "flood";
/** The limits of issue 13 for the search of a rule. */
const ANSWER_BYTES = 5_000_000;
const SEARCH_MILLISECONDS = 2000;
const ADDRESSES = 130;
const REQUESTS = 6;
const BULK = 60;

const byName = (name: string): Detection =>
  loadDetections().detections.find((detection) => detection.name === name) ?? assert.fail(name);

describe("a flood of hostile requests", function () {
  this.timeout(400_000);
  const rule = byName("dhis2_failed_logins_one_address");
  const flood = floodWatch(rule) ?? assert.fail();
  let elasticsearch: RealElasticsearch;

  /** A failed login with four texts of 12,000 bytes, which a web server escapes. */
  function login(address: string): object {
    const text = "\\x22".repeat(12_000);
    const message = `${address} - ${text} [01/Mar/2024:10:11:12 +0000] "POST /dhis/api/auth/login?${text} HTTP/1.1" 401 150 "${text}" "${text}"`;
    const time = new Date().toISOString();
    return filebeatEvents({
      "@timestamp": time,
      container: "proxy",
      type: "nginx_proxy",
      journal: "nginx_access",
      message,
    })["8.19"];
  }

  before(async () => {
    elasticsearch = await realElasticsearch();
    const { entry } = await putPipelines(elasticsearch, "flood", NEVER_LATE);
    await elasticsearch.call("DELETE", `/${INDEX}?ignore_unavailable=true`);
    await elasticsearch.call("PUT", `/${INDEX}`, {
      mappings: renderMappings(),
      settings: { final_pipeline: entry, number_of_replicas: 0 },
    });
    const events = Array.from({ length: ADDRESSES * REQUESTS }, (_, n) =>
      login(`203.0.113.${n % ADDRESSES}`),
    );
    // Whom the flood is to hide: fewer events than any other.
    events.push(...Array.from({ length: 3 }, () => login("198.51.100.7")));
    for (let from = 0; from < events.length; from += BULK) {
      const lines = events.slice(from, from + BULK).flatMap((event) => [{ create: {} }, event]);
      await elasticsearch.bulk(`/${INDEX}/_bulk?refresh=true`, lines);
    }
  });
  after(() => elasticsearch.call("DELETE", `/${INDEX}?ignore_unavailable=true`));

  async function run(detection: Detection) {
    const params = dslParams.parse(renderParams(detection, { dataStream: INDEX }));
    const answer = await elasticsearch.call(
      "POST",
      `/${INDEX}/_search`,
      searchBody(params, null, new Date()),
    );
    return { answer, found: matches(params, answer).matches };
  }

  it("makes no answer larger or slower than the limits", async () => {
    for (const detection of [rule, flood]) {
      const { answer } = await run(detection);
      const bytes = Buffer.byteLength(JSON.stringify(answer));
      assert.ok(bytes <= ANSWER_BYTES, `${detection.name}: ${bytes} bytes`);
      assert.ok(Number(answer.took) <= SEARCH_MILLISECONDS, `${detection.name}: ${String(answer.took)} ms`);
    }
  });

  it("hides nobody without an alert of its own", async () => {
    const { found } = await run(rule);
    assert.equal(found.length, MAX_GROUPS);
    assert.ok(found.every(({ value, hits }) => value === REQUESTS && hits.length === 5));
    assert.ok(!found.some(({ id }) => id === "198.51.100.7"));
    const watch = await run(flood);
    assert.deepEqual(
      watch.found.map(({ value }) => value),
      [ADDRESSES * REQUESTS + 3],
    );
    assert.ok(watch.found[0]?.hits.every((hit: Json) => JSON.stringify(hit).length < 8700));
  });
});

describe("the watch for floods", () => {
  const { detections } = loadDetections();

  it("is made for each rule whose groups a stranger can choose", () => {
    const watched = detections.filter((detection) => floodWatch(detection) !== undefined);
    const fields = new Set(watched.flatMap(({ logic }) => (logic.kind === "event" ? [] : logic.by)));
    assert.deepEqual([...fields].sort(), ["source.ip", "user.name"]);
    const others = detections.filter(({ logic }) => logic.kind === "count" && logic.by.length > 0);
    for (const { name, logic } of others.filter((detection) => !watched.includes(detection))) {
      assert.ok(logic.kind === "count" && logic.by.every((field) => field.startsWith("dhis2.")), name);
    }
  });

  it("fires from as many events on as it takes to hide a group", () => {
    const rule = byName("dhis2_failed_logins_one_user");
    const { logic, id, name, origin } = floodWatch(rule) ?? assert.fail();
    assert.ok(logic.kind === "count" && rule.logic.kind === "count");
    // Each group of MAX_GROUPS and the hidden one have as many events as the threshold, at least.
    assert.deepEqual(
      [logic.by, logic.comparator, logic.threshold],
      [[], ">=", (MAX_GROUPS + 1) * rule.logic.threshold],
    );
    assert.deepEqual([name, origin], [`${rule.name}-flood`, rule.id]);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-5/);
    const above = floodWatch({ ...rule, logic: { ...rule.logic, comparator: ">" } })?.logic;
    assert.ok(above?.kind === "count" && above.threshold === (MAX_GROUPS + 1) * (rule.logic.threshold + 1));
  });
});
