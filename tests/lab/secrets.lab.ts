import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE } from "../../core/cache";
import { ask, type Login } from "../../lab/elasticsearch";
import { labOutputs } from "../../lab/outputs";
import { inContainer, run } from "../../lab/shell";
import { labStack, STACK_FILE, STACK_FOLDER } from "../../lab/stack";
import { labSecrets } from "../../lab/state";
import { changes, updateStack } from "../../lab/up";
import { type SiteText, siteVariant } from "../../lab/variants";
import { verifyLab } from "../../lab/verify";

const KEY = "/var/lib/dhis2-siem/secrets/key_objects";

/** Makes every step run again. */
const raiseAll = (site: SiteText) => {
  for (const entry of site.containers) entry.generation = 90;
};

/** Ways to make an update fail: in the step that writes the servers' secrets, and in the step that uses them. */
const FAILURES: readonly {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly overrides: () => Record<string, unknown>;
  readonly says: RegExp;
}[] = [
  {
    what: "in which another stack's keys are found",
    before: `echo another >${KEY}.test && mv ${KEY} ${KEY}.kept && mv ${KEY}.test ${KEY}`,
    after: `mv ${KEY}.kept ${KEY}`,
    overrides: () => ({ site: siteVariant("secrets", raiseAll) }),
    says: /siem: error: Elasticsearch and Kibana in siem were set up by another stack/,
  },
  {
    what: "to a version that the mirror does not have",
    before: "true",
    after: "true",
    overrides: () => ({ versions: { elastic: "8.19.99", filebeat: "7.17.29" } }),
    says: /siem: error: \S+ has no elasticsearch 8\.19\.99 for \w+; it has: 8\.19\.8/,
  },
];

describe("a failing update", () => {
  for (const { what, before, after, overrides, says } of FAILURES)
    it(`${what} leaves no secret in its output, the state, the logs or the process list`, async () => {
      const secrets = await labSecrets();
      assert.ok(secrets.length >= 9, `${secrets.length} secrets`);
      await inContainer("siem", ["sh", "-c", before]);
      const samples: string[] = [];
      let sampling = true;
      const sampler = (async () => {
        while (sampling) {
          samples.push(await run("ps", ["axwwo", "args"]), ...environments());
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })();
      const lines: string[] = [];
      const error = await updateStack(overrides(), (line) => lines.push(line)).then(
        () => assert.fail("the update did not fail"),
        (reason: unknown) => String(reason),
      );
      sampling = false;
      await sampler;
      await inContainer("siem", ["sh", "-c", after]);

      const journals = await Promise.all(
        ["siem", "proxy", "dhis", "postgres"].map((name) =>
          inContainer(name, ["journalctl", "--no-pager", "-n", "5000", "-o", "cat"]),
        ),
      );
      const places: Record<string, string> = {
        output: lines.join("\n"),
        error,
        state: texts(join(STACK_FOLDER, "state")),
        config: readFileSync(STACK_FILE, "utf8"),
        logs: texts(join(CACHE, "logs")),
        journals: journals.join("\n"),
        processes: samples.join("\n"),
      };
      assert.ok(samples.length > 10);
      assert.match(places.output ?? "", says);
      const found = Object.entries(places).flatMap(([place, text]) =>
        secrets.filter(({ value }) => text.includes(value)).map(({ name }) => `${name} in ${place}`),
      );
      assert.deepEqual(found, []);
      assert.equal((await updateStack()).summary.result, "succeeded", "the next update goes on");
    });
});

describe("a renewed password", () => {
  it("is valid in the cluster, for Kibana and for the operator, and the old one is not", async () => {
    const before = await labOutputs();
    const stack = await labStack();
    const { resources } = JSON.parse(JSON.stringify((await stack.exportStack()).deployment)) as {
      resources: { urn: string }[];
    };
    const replace = ["elastic", "kibana-system", "operator", "engineer", "rules"].map((name) => {
      const found = resources.find(({ urn }) => urn.endsWith(`::credentials-${name}`));
      assert.ok(found, name);
      return found.urn;
    });
    await stack.up({ replace, parallel: 8, color: "never" });
    const now = await labOutputs();
    const asks = async (login: Login) => (await ask(login, "GET", "/_security/_authenticate")).status;
    for (const name of ["superuser", "login"] as const) {
      assert.equal(await asks(before[name]), 401, name);
      assert.equal(await asks(now[name]), 200, name);
    }
    assert.equal(changes(await updateStack()), "nothing changed");
    const { findings } = await verifyLab();
    const wrong = findings.filter(({ severity, subject }) => severity === "problem" && subject !== "siem:/");
    assert.deepEqual(wrong, []);
  });
});

/** Returns the environment of every process, as far as it can be read. */
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

/** Returns the texts of all files of a folder, joined. */
function texts(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}
