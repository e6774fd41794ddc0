import assert from "node:assert/strict";
import { join } from "node:path";
import { execa } from "execa";
import { alertsOf, ATTACKS, throughProxy } from "../../lab/attack";
import { ask } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { ROOT } from "../../core/root";
import { IMAGE, LXD_PROJECT, STACK } from "../../lab/places";
import { inContainer, run, until } from "../../lab/shell";
import { labStack, STACK_FOLDER } from "../../lab/stack";
import { updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";
import { cliEnvironment, verifyLab } from "../../lab/verify";
import { basicAuth } from "../../connection/https";
import type { Finding } from "../../commands/verify/finding";

const LOCATION = "/etc/nginx/upstream/dhis2-siem.conf";
const CERTIFICATES = "/etc/elasticsearch/certs/server.crt";

/** Returns what verify finds wrong with the lab's site, except how full this machine's own disk is. */
async function faults(): Promise<Finding[]> {
  const { findings } = await verifyLab();
  return findings.filter(({ severity, subject }) => severity !== "ok" && subject !== "siem:/");
}

/** Waits until nothing is wrong. Throws an Error with the remaining findings at the deadline. */
async function clean(seconds = 180): Promise<void> {
  let left: Finding[] = [];
  await until("a site in good order", seconds, async () => {
    left = await faults();
    return left.length === 0 ? true : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(left, undefined, 2)}`);
  });
}

/** Waits for a check's finding about a subject, and returns it. */
async function found(check: string, subject: string, severity: Finding["severity"]): Promise<Finding> {
  let all: Finding[] = [];
  return until(`"${check}" of ${subject}`, 60, async () => {
    all = await faults();
    return all.find(
      (one) => one.check === check && one.subject === subject && one.severity === severity && one.fix,
    );
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; there is: ${JSON.stringify(all, undefined, 2)}`);
  });
}

/** Runs the command that a finding names, exactly as it is. */
async function obey({ fix = "" }: Finding): Promise<void> {
  await run("bash", ["-c", fix], { input: "" });
}

/** Raises the generation, as the finding asks. Generations only grow. */
const generations: Record<string, number> = {};
async function raiseGeneration(name: string, { fix = "" }: Finding): Promise<void> {
  assert.equal(fix, `raise the generation of "${name}" in the site's file, then: pulumi up`);
  generations[name] = (generations[name] ?? 10) + 1;
  const site = siteVariant("verify", (text) => {
    for (const entry of text.containers) entry.generation = generations[entry.name] ?? entry.generation;
  });
  await updateStack({ site });
}

const sh = (container: string, script: string) => inContainer(container, ["bash", "-euc", script]);

describe("verify", () => {
  let outputs: LabOutputs;
  before(async () => {
    outputs = await labOutputs();
  });

  it("sends a canary from each container to an alert, and finds that the site is watched", async () => {
    const { findings } = await verifyLab({}, "--canary");
    const canary = findings.filter(({ check }) => check === "canary");
    assert.ok(canary.length >= 2, JSON.stringify(canary));
    for (const one of canary) assert.equal(one.severity, "ok", one.text);
    await clean();
  });

  it("is a command, with an exit code and a table", async () => {
    const { exitCode, stdout } = await execa(
      process.execPath,
      ["-r", join(ROOT, "core/register.js"), join(ROOT, "commands/verify.ts"), STACK, "--cwd", STACK_FOLDER],
      { cwd: ROOT, env: await cliEnvironment(), reject: false },
    );
    const { code } = await verifyLab();
    assert.equal(exitCode, code);
    assert.match(stdout, /^ok +elasticsearch +siem +Elasticsearch 8\.19\.8 answers$/m);
    assert.match(stdout, /^The site is watched/m);
    assert.ok(!stdout.includes(outputs.elasticPassword));
  });

  it("lets the engineer save a rule in Kibana, and not the operator; verify finds nothing wrong, and it alerts as before", async () => {
    interface Rule {
      readonly id: string;
      readonly name: string;
      readonly tags: unknown;
      readonly schedule: unknown;
      readonly params: unknown;
      readonly actions: readonly { group: unknown; id: unknown; params: unknown; frequency: unknown }[];
    }
    const attack = ATTACKS.find(({ rule }) => rule === "Scanner by Its User Agent");
    assert.ok(attack);
    const [headers, ofOperator] = [outputs.engineer, outputs.operator].map(({ username, password }) => ({
      authorization: basicAuth(username, password),
      "kbn-xsrf": "lab",
    }));
    const rules = await throughProxy("GET", "/siem/api/alerting/rules/_find?per_page=1000", { headers });
    const rule = (JSON.parse(rules.text) as { data: Rule[] }).data.find(({ name }) => name === attack.rule);
    assert.ok(rule, rules.text.slice(0, 300));
    const { name, tags, schedule, params } = rule;
    const actions = rule.actions.map((action) => {
      const { group, id, params: document, frequency } = action;
      return { group, id, params: document, frequency };
    });
    const body = { name, tags, schedule, params, actions };
    const refused = await throughProxy("PUT", `/siem/api/alerting/rule/${rule.id}`, {
      headers: ofOperator,
      body,
    });
    assert.equal(refused.status, 403, refused.text);
    const saved = await throughProxy("PUT", `/siem/api/alerting/rule/${rule.id}`, { headers, body });
    assert.equal(saved.status, 200, saved.text);
    const since = new Date().toISOString();
    await attack.act();
    assert.deepEqual((await alertsOf([name], outputs.login, outputs.alertIndex, since)).missing, []);
    await clean();
  });

  it("is not needed after Elasticsearch was killed, which is healthy again within two minutes", async () => {
    // The server's own process, not the launcher, which is the unit's main process.
    await sh("siem", "kill -9 $(cat /run/elasticsearch/elasticsearch.pid)");
    const healthy = () =>
      ask(outputs.superuser, "GET", "/_cluster/health?wait_for_status=yellow&timeout=5s").then(
        ({ status }) => status === 200,
        () => false,
      );
    await until("an end of Elasticsearch", 10, async () => ((await healthy()) ? undefined : true));
    await until("Elasticsearch, by itself", 120, async () => ((await healthy()) ? true : undefined));
    assert.match(await sh("siem", "systemctl show -P NRestarts elasticsearch"), /^[1-9]/);
    await clean();
  });

  it("finds an agent stopped", async () => {
    await inContainer("dhis", ["systemctl", "stop", "filebeat"]);
    await obey(await found("agent", "dhis", "problem"));
    await clean();
  });

  it("finds a key revoked", async () => {
    const id = outputs.agents.find(({ name }) => name === "postgres")?.keyId;
    const { status } = await ask(outputs.superuser, "DELETE", "/_security/api_key", { ids: [id] });
    assert.equal(status, 200);
    const { fix = "" } = await found("keys", "postgres", "problem");
    const urn = /^pulumi up --replace '(.*)'$/.exec(fix)?.[1];
    assert.ok(urn, fix);
    await (await labStack()).up({ replace: [urn], parallel: 8, color: "never" });
    await clean();
  });

  it("finds a config edited", async () => {
    await sh("proxy", "echo '# edited' >>/etc/filebeat/filebeat.yml");
    await raiseGeneration("proxy", await found("files", "proxy:/etc/filebeat/filebeat.yml", "problem"));
    await clean();
  });

  it("finds the proxy's location removed", async () => {
    await sh("proxy", `rm ${LOCATION} && systemctl reload nginx`);
    await raiseGeneration("proxy", await found("proxy", "proxy", "problem"));
    await clean();
  });

  it("finds a rule disabled", async () => {
    const login = outputs.superuser;
    const rule = "/siem/api/alerting/rule/fde84b97-804a-4099-bd9d-83b9578b68a5";
    const headers = { "kbn-xsrf": "lab" };
    const { body } = await ask(login, "GET", rule, undefined, 5601, headers);
    const { name } = body as { name: string };
    assert.equal((await ask(login, "POST", `${rule}/_disable`, {}, 5601, headers)).status, 204);
    const { fix } = await found("rules", name, "problem");
    assert.equal(fix, "pulumi refresh --run-program --skip-preview, then: pulumi up");
    await (await labStack()).refresh({ runProgram: true, color: "never" });
    await updateStack();
    await clean();
  });

  it("finds a disk full", async () => {
    const folder = "/var/log/elasticsearch";
    await sh("siem", `mount -t tmpfs -o size=1m tmpfs ${folder}; head -c 1040000 /dev/zero >${folder}/full`);
    try {
      const { fix = "" } = await found("disk", `siem:${folder}`, "problem");
      assert.match(
        fix,
        /^pulumi config set --path siem\.disk SIZE \(it is 20GiB\), then: pulumi up; or keep less/,
      );
    } finally {
      await sh("siem", `umount ${folder}`);
    }
    await clean();
  });

  it("finds the relay stopped", async function () {
    const { findings } = await verifyLab();
    if (!findings.some(({ check }) => check === "relay")) {
      console.log("      skipped: the lab's stack delivers no alerts");
      return this.skip();
    }
    await inContainer("siem", ["systemctl", "stop", "dhis2-siem-relay"]);
    await obey(await found("relay", "siem", "problem"));
    await clean();
  });

  it("finds a certificate about to end", async () => {
    // The same key and names, valid for ten days; also in the servers' copies.
    await sh(
      "siem",
      `cd /var/lib/dhis2-siem/tls
      openssl req -new -key server.key -subj /CN=siem -out /run/short.csr
      openssl x509 -req -in /run/short.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 10 -out /run/short.crt \\
        -extfile <(printf 'subjectAltName=%s\\nextendedKeyUsage=serverAuth,clientAuth\\n' "$(cat names)")
      for file in server.crt ${CERTIFICATES} /etc/kibana/certs/server.crt; do cat /run/short.crt >"$file"; done
      rm /run/short.csr /run/short.crt`,
    );
    await raiseGeneration("siem", await found("certificates", CERTIFICATES, "warning"));
    await clean();
  });

  it("finds a container that no entry covers", async () => {
    const lxc = (...args: string[]) => run("lxc", ["--project", LXD_PROJECT, ...args], { input: "" });
    await lxc("init", IMAGE, "stranger");
    try {
      await found("containers", "stranger", "warning");
      await lxc("start", "stranger");
      const { fix = "" } = await found("containers", "stranger", "problem");
      assert.match(fix, new RegExp(`^npm run -s site -- --discover ${STACK} `));
    } finally {
      await lxc("delete", "--force", "stranger");
    }
    await clean();
  });

  it("finds Kibana down", async () => {
    await inContainer("siem", ["systemctl", "stop", "kibana"]);
    await obey(await found("kibana", "siem", "problem"));
    await clean(300);
  });
});
