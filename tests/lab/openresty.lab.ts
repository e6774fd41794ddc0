import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { basicAuth } from "../../connection/https";
import { throughProxy } from "../../lab/attack";
import { search } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { address, BRIDGE_ADDRESS, LAB_STATE, POSTGRES_ADDRESS } from "../../lab/places";
import { realOrStandin } from "../../lab/report";
import { inContainer, script, until } from "../../lab/shell";
import { changes, updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";
import { openresty } from "../../sources/openresty";

const NAME = "resty";
const ADDRESS = address(4);
const FOLDER = "/usr/local/openresty/nginx/conf";
const STATIC = `${FOLDER}/static/dhis2.lab.test.conf`;
const INCLUDE = "include conf.d/upstream/dhis2-siem.conf;";

/** The site with openresty in front of DHIS2. */
function openrestySite(): string {
  return siteVariant("openresty", (site) => {
    site.proxy = "openresty";
    site.containers = [
      ...site.containers.filter(({ name }) => name !== "proxy"),
      { name: NAME, ip: ADDRESS, type: "openresty_proxy" },
    ];
  });
}

describe("openresty as the site's proxy", () => {
  let site: string;
  let outputs: LabOutputs;
  const get = async (path: string, headers: Record<string, string> = {}) =>
    (await throughProxy("GET", path, { address: ADDRESS, headers })).status;
  const login = () => ({ authorization: basicAuth(outputs.operator.username, outputs.operator.password) });
  const event = (what: string, ...terms: object[]) =>
    until(what, 120, async () => {
      const filter = [{ term: { "dhis2.container.name": NAME } }, ...terms.map((term) => ({ term }))];
      return (await search(outputs.login, outputs.dataStream, { bool: { filter } }))[0];
    });

  before(async () => {
    await script("host/site.sh", ["add", NAME, ADDRESS, "openresty"]);
    const which = (await inContainer(NAME, ["cat", "/root/lab/openresty"])).trim();
    writeFileSync(join(LAB_STATE, "openresty"), which);
    console.log(
      `      openresty here: ${realOrStandin().find(({ part }) => part.startsWith("openresty"))?.what}`,
    );
    site = openrestySite();
  });

  it("names the line that its server lacks, because the official tool includes each file by its name", async () => {
    const lines: string[] = [];
    await assert.rejects(updateStack({ site }, (line) => lines.push(line)));
    assert.match(
      lines.join("\n"),
      new RegExp(
        `no server of openresty reads ${openresty.proxy?.locationPath}; add '${INCLUDE}' to the server`,
      ),
    );
    await inContainer(NAME, ["sh", "-c", `echo '${INCLUDE}' >>${STATIC}`]);
    assert.equal((await updateStack({ site })).summary.result, "succeeded");
    assert.equal(changes(await updateStack({ site })), "nothing changed");
    outputs = await labOutputs({ site });
  });

  it("has Kibana behind it, with a login, and for long links", async () => {
    assert.equal(await get("/siem/api/status", login()), 200);
    assert.equal(await get("/siem/api/alerting/rules/_find"), 401);
    assert.equal(await get(`/siem/app/dashboards?_g=${"x".repeat(10_000)}`, login()), 200);
  });

  it("reports a failed login as an event with its address", async () => {
    const body = { username: "admin", password: "wrong" };
    const { status } = await throughProxy("POST", "/dhis/api/auth/login", { address: ADDRESS, body });
    assert.equal(status, 401);
    await event(
      "the failed login",
      { "event.dataset": "nginx.access" },
      { "log.syslog.appname": "openresty_access" },
      { "source.ip": BRIDGE_ADDRESS },
      { "url.path": "/dhis/api/auth/login" },
      { "http.response.status_code": 401 },
    );
  });

  it("refuses Kibana to a network that the config does not allow, and reports the refusal as an event", async () => {
    await updateStack({ site, kibana: { allowFrom: [`${POSTGRES_ADDRESS}/32`] } });
    assert.equal(await get("/siem/api/status"), 403);
    assert.equal(await get("/dhis/api/ping"), 200, "DHIS2 itself stays open");
    // The administrator's file sets an error_log for the site's server, so the server ignores the error_log of http.
    await event(
      "the refusal",
      { "event.dataset": "nginx.error" },
      { "log.syslog.appname": "openresty_error" },
      { "source.ip": BRIDGE_ADDRESS },
      { "log.level": "error" },
    );
    await updateStack({ site });
    assert.notEqual(await get("/siem/api/status"), 403);
  });

  it("gets its own logging back and loses Kibana's location when its entry is removed", async () => {
    await inContainer(NAME, ["sed", "-i", `\\|${INCLUDE}|d`, STATIC]);
    await updateStack();
    const left = `dpkg-query -W filebeat 2>/dev/null; find ${FOLDER} /etc/filebeat -name '*dhis2-siem*' 2>/dev/null; true`;
    assert.equal((await inContainer(NAME, ["sh", "-c", left])).trim(), "");
    assert.equal(await get("/dhis/api/ping"), 200);
    // The site's server closes connections without a reply for everything that it does not serve (444).
    await assert.rejects(get("/siem/api/status"), /other side closed/);
    await script("host/site.sh", ["remove", NAME]);
  });
});
