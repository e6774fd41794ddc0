import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { type Cluster, knownCluster } from "../../components/elastic-stack";
import { throwIfImportFailed } from "../../components/views";

const OURS: Cluster = { ca: "PEM", fingerprint: "ab", clusterUuid: "one" };

/** What the stack takes for its cluster, where it knows OURS and this one runs; in an update, or in a preview. */
async function taken(running: Partial<Cluster>, preview = false): Promise<Cluster> {
  const mocks = { call: () => ({}), newResource: () => ({ id: "", state: {} }) };
  await pulumi.runtime.setMocks(mocks, "dhis2-siem", "prod", preview);
  const line = (cluster: Partial<Cluster>) => pulumi.output(`${JSON.stringify(cluster)}\n{"file":"/x"}\n`);
  const cluster = knownCluster("siem", line({ ...OURS, ...running }), line(OURS));
  return (cluster as unknown as { promise(): Promise<Cluster> }).promise();
}

describe("the cluster that a stack works in", () => {
  it("is the one that it knows, where that one runs", async () => assert.deepEqual(await taken({}), OURS));

  it("is no other, which would get no rule and no key of the stack's", async () => {
    for (const other of [{ clusterUuid: "two" }, { ca: "another" }])
      await assert.rejects(
        taken(other),
        /the cluster in "siem" is not the one .* raise the generation of "siem"/,
      );
  });

  it("is none where the step did not say which", () =>
    assert.rejects(
      taken({ clusterUuid: "" }),
      /the step in "siem" did not print the clusterUuid of its cluster: raise the generation of "siem"/,
    ));

  it("is not compared in a preview, which has not asked", async () =>
    assert.deepEqual(await taken({ clusterUuid: "two" }, true), OURS));
});

describe("the import of the dashboards", () => {
  it("fails the update where Kibana says that it failed: the provider itself only warns", () => {
    const errors = [{ id: "x", error: { type: "conflict" } }];
    assert.throws(() => throwIfImportFailed([false, errors, "urn:x"]), {
      constructor: pulumi.RunError,
      // Without a change of the dashboards Pulumi tries nothing again by itself.
      message: /did not import the dashboards: .*conflict.*; .* pulumi up --replace 'urn:x'$/,
    });
    assert.ok(throwIfImportFailed([true, [], "urn:x"]));
  });
});
