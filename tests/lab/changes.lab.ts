import assert from "node:assert/strict";
import { ask, search } from "../../lab/elasticsearch";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { address, LXD_PROJECT } from "../../lab/places";
import { inContainer, run, script, until } from "../../lab/shell";
import { containerSettings, labStack } from "../../lab/stack";
import { changes, updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";
import { verifyLab } from "../../lab/verify";

const ADDRESS = address(12);
const lxc = (...args: string[]) => run("lxc", ["--project", LXD_PROJECT, ...args], { input: "" });

/** The lab's site with one more DHIS2 instance. */
const siteWith = (name: string, generation = 1) => ({
  site: siteVariant("changes", (site) =>
    site.containers.push({ name, ip: ADDRESS, type: "dhis2", generation }),
  ),
});

/** Runs a preview and then the update, and checks that the update does what was previewed. Returns both as text. */
async function previewAndUpdate(overrides: Record<string, unknown> = {}): Promise<string> {
  const stack = await labStack(overrides);
  const { changeSummary } = await stack.preview({ color: "never" });
  const done = await updateStack(overrides);
  const counts = (summary: object) => Object.entries(summary).filter(([kind]) => kind !== "same");
  assert.deepEqual(counts(changeSummary).sort(), counts(done.summary.resourceChanges ?? {}).sort());
  return changes(done);
}

describe("a container that is added, changed and removed", () => {
  let outputs: LabOutputs;
  const delivers = (name: string, mark: string) =>
    until(`the line of ${name}`, 120, async () => {
      const found = await search(outputs.login, outputs.dataStream, {
        bool: { filter: [{ term: { "dhis2.container.name": name } }, { match_phrase: { message: mark } }] },
      });
      return found.length > 0 ? true : undefined;
    });

  before(async () => {
    outputs = await labOutputs();
    // It writes a line every 200 ms until the last test stops it.
    const count = 'n=0; while true; do n=$((n+1)); echo "count $n of the changes"; sleep 0.2; done';
    await inContainer("proxy", ["systemd-run", "-q", "--unit=count", "sh", "-c", count]);
  });

  it("gets an agent, its key and the rules that watch for its silence", async () => {
    await script("host/site.sh", ["add", "second", ADDRESS, "bare"]);
    // The component, its two keys and two commands, and two rules: one for a silent agent, one for a silent audit log. The
    // updates: Elasticsearch's port is opened to it, and the SIEM's watch expects its keys and rules.
    assert.equal(await previewAndUpdate(siteWith("second")), "7 create, 2 update");
    await inContainer("second", ["logger", "added to the site"]);
    await delivers("second", "added to the site");
  });

  it("is named by verify if it was rebuilt from its image, and is set up again when its generation is raised", async () => {
    await lxc("delete", "--force", "second");
    await script("host/site.sh", ["add", "second", ADDRESS, "bare"]);
    const { findings } = await verifyLab(siteWith("second"));
    const rebuilt = findings.find(({ check, subject }) => check === "rebuilt" && subject === "second");
    assert.equal(rebuilt?.severity, "problem", JSON.stringify(rebuilt));
    assert.equal(rebuilt.fix, 'raise the generation of "second" in the site\'s file, then: pulumi up');
    assert.equal(await previewAndUpdate(siteWith("second", 2)), "2 update");
    await inContainer("second", ["logger", "rebuilt from the image"]);
    await delivers("second", "rebuilt from the image");
  });

  it("gets another agent if it is renamed, and the old agent's key is deleted", async () => {
    const old = (await labOutputs(siteWith("second", 2))).agents.find(({ name }) => name === "second");
    await lxc("stop", "--force", "second");
    await lxc("rename", "second", "renamed");
    await lxc("start", "renamed");
    assert.equal(await previewAndUpdate(siteWith("renamed")), "7 create, 7 delete, 1 update");
    await inContainer("renamed", ["logger", "under another name"]);
    await delivers("renamed", "under another name");
    const { body } = await ask(outputs.superuser, "GET", `/_security/api_key?id=${old?.keyId}`);
    assert.equal((body as { api_keys: { invalidated: boolean }[] }).api_keys[0]?.invalidated, true);
  });

  it("is removed, with its agent", async () => {
    assert.equal(await previewAndUpdate(), "7 delete, 2 update");
    assert.equal(
      (await inContainer("renamed", ["sh", "-c", "ls /etc/filebeat 2>/dev/null; true"])).trim(),
      "",
    );
    await script("host/site.sh", ["remove", "renamed"]);
  });

  it("keeps its cluster if it is the SIEM's own and gets more memory: only the servers' steps run again", async () => {
    const siem = { ...containerSettings(), memory: "3500MiB", heap: "600m" };
    assert.equal(await previewAndUpdate({ siem }), "2 update");
    assert.equal(await previewAndUpdate(), "2 update");
  });

  it("takes a new retention into the template and the stream, which goes on in a new index for a new template", async () => {
    const indices = async () => {
      const { body } = await ask(outputs.superuser, "GET", `/${outputs.dataStream}/_settings?filter_path=*`);
      return Object.keys(body as object).length;
    };
    const before = await indices();
    // Without its record of the last template, the step takes every template as new.
    await inContainer("siem", ["rm", "/var/lib/dhis2-siem/log-stream"]);
    assert.equal(await previewAndUpdate({ retentionDays: 30 }), "2 update");
    assert.equal(await indices(), before + 1);
    assert.equal(await previewAndUpdate(), "2 update");
    assert.equal(await indices(), before + 1);
  });

  it("loses no line of the others", async () => {
    await inContainer("proxy", ["systemctl", "stop", "count"]);
    const journal = await inContainer("proxy", ["journalctl", "-u", "count", "-o", "cat", "--no-pager"]);
    const written = journal.match(/^count \d+ of the changes$/gm)?.length ?? 0;
    assert.ok(written > 100, `${written} lines`);
    const query = {
      bool: {
        filter: [
          { term: { "dhis2.container.name": "proxy" } },
          { match_phrase: { message: "of the changes" } },
          // Without systemd's own lines, which quote the command.
          { term: { "log.syslog.appname": "sh" } },
        ],
      },
    };
    await until(`${written} lines in Elasticsearch`, 120, async () => {
      const { body } = await ask(outputs.login, "POST", `/${outputs.dataStream}/_count`, { query });
      return (body as { count: number }).count === written ? true : undefined;
    });
  });
});
