import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE, LAB_STATE } from "../../lab/places";
import { inContainer, run } from "../../lab/shell";
import { STACK_FOLDER } from "../../lab/stack";
import { labSecrets } from "../../lab/state";
import { updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";

describe("a failing update", () => {
  it("leaves no secret in its output, the state, the logs or the process list", async () => {
    const secrets = await labSecrets();
    assert.ok(secrets.length >= 9, `${secrets.length} secrets`);
    // A wrong fingerprint stops the agents and Elasticsearch's script after the secrets are there.
    const site = siteVariant("failing", (text) => {
      for (const entry of text.containers) entry.generation = 9;
    });
    await inContainer("siem", [
      "sh",
      "-c",
      "dpkg-query -W elasticsearch >/dev/null && apt-mark unhold elasticsearch kibana filebeat 2>/dev/null; mv /etc/elasticsearch/elasticsearch.yml /etc/elasticsearch/elasticsearch.yml.away && mkdir /etc/elasticsearch/elasticsearch.yml",
    ]);
    const samples: string[] = [];
    let sampling = true;
    const sampler = (async () => {
      while (sampling) {
        samples.push(await run("ps", ["axwwo", "args"]), ...environments());
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    const lines: string[] = [];
    const error = await updateStack({ site }, (line) => lines.push(line)).then(
      () => assert.fail("the update did not fail"),
      (reason: unknown) => String(reason),
    );
    sampling = false;
    await sampler;
    await inContainer("siem", [
      "sh",
      "-c",
      "rm -rf /etc/elasticsearch/elasticsearch.yml && mv /etc/elasticsearch/elasticsearch.yml.away /etc/elasticsearch/elasticsearch.yml",
    ]);

    const journals = await Promise.all(
      ["siem", "proxy", "dhis", "postgres"].map((name) =>
        inContainer(name, ["journalctl", "--no-pager", "-n", "5000", "-o", "cat"]),
      ),
    );
    const places: Record<string, string> = {
      output: lines.join("\n"),
      error,
      state: texts(join(STACK_FOLDER, "state")),
      config: readFileSync(join(STACK_FOLDER, "Pulumi.dev.yaml"), "utf8"),
      logs: texts(join(CACHE, "logs")),
      journals: journals.join("\n"),
      processes: samples.join("\n"),
    };
    assert.ok(samples.length > 10);
    assert.match(places.error ?? "", /siem:/);
    const found = Object.entries(places).flatMap(([place, text]) =>
      secrets.filter(({ value }) => text.includes(value)).map(({ name }) => `${name} in ${place}`),
    );
    assert.deepEqual(found, []);
    assert.equal((await updateStack({ site })).summary.result, "succeeded", "the next update goes on");
    await updateStack({ site: join(LAB_STATE, "failing.json") });
  });
});

/** Every process's environment, as far as it can be read. */
function environments(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/environ`, "utf8")];
      } catch {
        return [];
      }
    });
}

/** The texts of a folder's files, all in one. */
function texts(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}
