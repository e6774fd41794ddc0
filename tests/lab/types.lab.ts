import assert from "node:assert/strict";
import { throughProxy } from "../../lab/attack";
import { search } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { address, BRIDGE_ADDRESS, POSTGRES_ADDRESS } from "../../lab/places";
import { inContainer, script, until } from "../../lab/shell";
import { changes, updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";
import { basicAuth } from "../../connection/https";

const APACHE = address(3);
const MORE = [
  { name: "web", ip: APACHE, type: "apache_proxy", provision: "apache" },
  { name: "monitor", ip: address(30), type: "munin_monitor", provision: "munin" },
  { name: "postgres12", ip: address(21), type: "postgres12", provision: "postgres" },
] as const;

/** The site with apache2 in front of DHIS2, munin, and a database of the older type. */
function otherSite(): string {
  return siteVariant("types", (site) => {
    site.proxy = "apache2";
    site.containers = [
      ...site.containers.filter(({ name }) => name !== "proxy"),
      ...MORE.map(({ name, ip, type }) => ({ name, ip, type })),
    ];
  });
}

describe("the other types of containers", () => {
  let outputs: LabOutputs;
  const authorization = () => basicAuth(outputs.operator.username, outputs.operator.password);
  const event = (what: string, ...must: object[]) =>
    until(what, 120, async () => {
      const found = await search(outputs.login, outputs.dataStream, { bool: { filter: must } });
      return found[0];
    });
  const from = (name: string) => ({ term: { "dhis2.container.name": name } });

  before(async () => {
    await Promise.all(
      MORE.map(({ name, ip, provision }) => script("host/site.sh", ["add", name, ip, provision])),
    );
    const site = otherSite();
    assert.equal((await updateStack({ site })).summary.result, "succeeded");
    assert.equal(changes(await updateStack({ site })), "nothing changed");
    outputs = await labOutputs({ site });
  });

  it("each have an agent that delivers", async () => {
    for (const { name } of MORE) await event(`a line of ${name}`, from(name));
  });

  it("have Kibana behind apache2, with a login, and for long links", async () => {
    const headers = { authorization: authorization() };
    const open = await throughProxy("GET", "/siem/api/status", { address: APACHE, headers });
    assert.equal(open.status, 200, open.text);
    const long = `/siem/app/dashboards?_g=${"x".repeat(20_000)}`;
    assert.equal((await throughProxy("GET", long, { address: APACHE, headers })).status, 200);
    assert.equal(
      (await throughProxy("GET", "/siem/api/alerting/rules/_find", { address: APACHE })).status,
      401,
    );
  });

  it("have no Kibana behind apache2 for a network that the config does not allow", async () => {
    const site = otherSite();
    await updateStack({ site, kibana: { allowFrom: [`${POSTGRES_ADDRESS}/32`] } });
    const status = async (path: string) => (await throughProxy("GET", path, { address: APACHE })).status;
    assert.equal(await status("/siem/api/status"), 403);
    assert.equal(await status("/dhis/api/ping"), 200, "DHIS2 itself stays open");
    await updateStack({ site });
    assert.notEqual(await status("/siem/api/status"), 403);
  });

  it("have no Kibana behind apache2 whose certificate another CA signed", async () => {
    const ca = "/etc/apache2/dhis2-siem-ca.crt";
    const replace = `cp -p ${ca} /root/ca && cat /etc/ssl/certs/ssl-cert-snakeoil.pem >${ca} && systemctl restart apache2`;
    await inContainer("web", ["sh", "-c", replace]);
    assert.equal((await throughProxy("GET", "/siem/api/status", { address: APACHE })).status, 500);
    await inContainer("web", ["sh", "-c", `cp -p /root/ca ${ca} && systemctl restart apache2`]);
  });

  it("report a failed login at apache2 as an event with its address", async () => {
    const body = { username: "admin", password: "wrong" };
    const { status } = await throughProxy("POST", "/dhis/api/auth/login", { address: APACHE, body });
    assert.equal(status, 401);
    await event(
      "the failed login",
      from("web"),
      { term: { "source.ip": BRIDGE_ADDRESS } },
      { term: { "url.path": "/dhis/api/auth/login" } },
      { term: { "http.response.status_code": 401 } },
    );
  });

  it("deliver munin's and PostgreSQL's lines", async () => {
    await inContainer("postgres12", ["runuser", "-u", "postgres", "--", "psql", "-c", "select 1"]);
    await event("a connection to PostgreSQL", from("postgres12"), {
      term: { "event.dataset": "postgresql.log" },
    });
    await inContainer("monitor", ["systemctl", "restart", "munin-node"]);
    await event("munin-node's start", from("monitor"), { term: { "log.syslog.appname": "munin-node" } });
    await inContainer("monitor", ["runuser", "-u", "munin", "--", "munin-cron"]);
    await event("munin's own log", from("monitor"), {
      term: { "log.file.path": "/var/log/munin/munin-update.log" },
    });
  });

  it("get their own logging back when their entries are removed", async () => {
    await updateStack();
    const left = [
      "dpkg-query -W filebeat 2>/dev/null",
      "ls /etc/filebeat /etc/systemd/journald.conf.d/50-dhis2-siem.conf /etc/apache2/*/*dhis2-siem* 2>/dev/null",
      "ls /etc/postgresql/*/main/conf.d/50-dhis2-siem.conf 2>/dev/null",
      "grep -l -e dhis2-siem -e Sys::Syslog /etc/munin/munin-node.conf 2>/dev/null",
      "true",
    ].join("; ");
    for (const { name } of MORE) assert.equal((await inContainer(name, ["sh", "-c", left])).trim(), "", name);
    assert.equal((await throughProxy("GET", "/dhis/api/ping", { address: APACHE })).status, 200);
    assert.equal((await throughProxy("GET", "/siem/api/status", { address: APACHE })).status, 404);
    for (const { name } of MORE) await script("host/site.sh", ["remove", name]);
  });
});
