import assert from "node:assert/strict";
import { ask, type Login, search } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { LXD_PROJECT, VERSIONS } from "../../lab/places";
import { inContainer, run, until } from "../../lab/shell";
import { agentKeyResource, labSecrets } from "../../lab/state";
import { changes, updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";

describe("agents", () => {
  let outputs: LabOutputs;
  before(async () => {
    outputs = await labOutputs();
  });

  describe("an agent's key", () => {
    let login: Login;
    before(async () => {
      const keys = await labSecrets();
      const key = keys.find(({ name }) => name === agentKeyResource("proxy"));
      const keyId = outputs.agents.find((agent) => agent.name === "proxy")?.keyId;
      assert.ok(key && keyId);
      login = { caPem: outputs.caPem, apiKey: `${keyId}:${key.value}` };
    });

    it("may add a line", async () => {
      const { status } = await ask(login, "POST", `/${outputs.dataStream}/_doc`, {
        "@timestamp": new Date().toISOString(),
        message: "a line",
      });
      assert.equal(status, 201);
    });

    it("writes lines only in its own container's name, and only through the pipelines", async () => {
      const message = `a line of ${Date.now()}`;
      const { status } = await ask(login, "POST", `/${outputs.dataStream}/_doc?pipeline=_none`, {
        "@timestamp": new Date().toISOString(),
        message,
        dhis2: { site: "elsewhere.test", container: { name: "dhis", type: "dhis2" } },
      });
      assert.equal(status, 201);
      const found = await until("the line", 30, async () => {
        const [line] = await search(outputs.superuser, outputs.dataStream, { match_phrase: { message } });
        return line;
      });
      const { dhis2, event } = found as Record<string, Record<string, unknown>>;
      assert.deepEqual(dhis2?.container, { name: "proxy", type: "nginx_proxy" });
      assert.notEqual(dhis2?.site, "elsewhere.test");
      assert.ok(event?.ingested);
    });

    const refused: [what: string, method: string, path: (o: LabOutputs) => string, body?: object][] = [
      ["read", "POST", (o) => `/${o.dataStream}/_search`, {}],
      ["delete lines", "POST", (o) => `/${o.dataStream}/_delete_by_query`, { query: { match_all: {} } }],
      ["delete the stream", "DELETE", (o) => `/${o.dataStream}`],
      [
        "write another stream",
        "POST",
        () => "/logs-other-default/_doc",
        { "@timestamp": "2026-01-01T00:00:00Z" },
      ],
      ["write an alert", "POST", (o) => `/${o.alertIndex}/_doc`, { message: "false" }],
      ["change a pipeline", "PUT", () => "/_ingest/pipeline/dhis2-siem-default-logs", { processors: [] }],
      ["make a key", "POST", () => "/_security/api_key", { name: "another" }],
    ];
    for (const [what, method, path, body] of refused) {
      it(`cannot ${what}`, async () => {
        const { status } = await ask(login, method, path(outputs), body);
        assert.equal(status, 403);
      });
    }
  });

  it("are set up again in a container whose generation is raised, and in no other", async () => {
    const site = siteVariant("generation", (text) => {
      for (const entry of text.containers) if (entry.name === "dhis") entry.generation = 2;
    });
    const started = () =>
      inContainer("dhis", ["systemctl", "show", "-p", "ActiveEnterTimestamp,MainPID", "filebeat"]);
    const before = await started();
    assert.equal(changes(await updateStack({ site })), "2 update");
    assert.equal(
      await started(),
      before,
      "a script that is run again restarts nothing that it did not change",
    );
    assert.equal(changes(await updateStack({ site })), "nothing changed");
    await updateStack();
  });

  it("are changed to another version and back, and run the installed version", async () => {
    const filebeat = async () => {
      const script =
        "dpkg-query -W -f '${Version}' filebeat; echo; systemctl show -P MainPID filebeat; apt-mark showhold";
      const [version, pid, held] = (await inContainer("dhis", ["sh", "-c", script])).match(/\S+/g) ?? [];
      return { version, pid, held };
    };
    const [older, before] = [VERSIONS.olderFilebeat, await filebeat()];
    await updateStack({ versions: { elastic: VERSIONS.elastic, filebeat: older } });
    const changed = await filebeat();
    assert.equal(changed.version, older);
    assert.notEqual(changed.pid, before.pid, "the vendor's package restarts nothing; the step does");
    await updateStack();
    const after = await filebeat();
    assert.deepEqual([after.version, after.held], [before.version, "filebeat"]);
    assert.notEqual(after.pid, changed.pid);
  });

  it("fail in a stopped container with a message, while the others are set up", async () => {
    await run("lxc", ["--project", LXD_PROJECT, "stop", "--force", "dhis"]);
    const site = siteVariant("stopped", (text) => {
      for (const entry of text.containers)
        if (entry.name === "dhis" || entry.name === "postgres") entry.generation = 3;
    });
    const lines: string[] = [];
    await assert.rejects(updateStack({ site }, (line) => lines.push(line)));
    const output = lines.join("\n");
    assert.match(
      output,
      new RegExp(
        `siem: error: container 'dhis' is STOPPED: start it with 'lxc start dhis --project ${LXD_PROJECT}'`,
      ),
    );
    for (const step of ["settings", "start"])
      assert.match(output, new RegExp(`agent-postgres-${step} updated`));
    await run("lxc", ["--project", LXD_PROJECT, "start", "dhis"]);
    assert.match(changes(await updateStack({ site })), /update/);
    assert.equal(changes(await updateStack({ site })), "nothing changed");
    await updateStack();
  });

  it("are removed with their entry (agent, key and logging), and come back with it", async () => {
    const gone = outputs.agents.find((agent) => agent.name === "postgres");
    const site = siteVariant("removed", (text) => {
      text.containers = text.containers.filter((entry) => entry.name !== "postgres");
    });
    // The component, its two keys and two commands, and the rule that watches for its silence. The updates: the ports are closed
    // to it, and the watch no longer expects it.
    assert.equal(changes(await updateStack({ site })), "6 delete, 2 update");
    const check =
      "dpkg-query -W filebeat 2>/dev/null; ls /etc/filebeat /etc/systemd/journald.conf.d/50-dhis2-siem.conf /etc/postgresql/*/main/conf.d/50-dhis2-siem.conf 2>/dev/null; true";
    assert.equal((await inContainer("postgres", ["sh", "-c", check])).trim(), "");
    const { body } = await ask(outputs.superuser, "GET", `/_security/api_key?id=${gone?.keyId}`);
    assert.equal((body as { api_keys: { invalidated: boolean }[] }).api_keys[0]?.invalidated, true);
    await updateStack();
    assert.equal((await inContainer("postgres", ["systemctl", "is-active", "filebeat"])).trim(), "active");
  });
});
