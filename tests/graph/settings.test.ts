import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDetections } from "../../detections";
import { siteGraph } from "../../commands/graph";

const SMALL = join(__dirname, "../sites/nginx.json");

describe("the graph", () => {
  it("gives each of the config's settings to the steps that need it, and to no other", async () => {
    const destinations = [{ name: "soar", type: "webhook", url: "https://soar.example.org/hook" }];
    const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nours\n-----END PGP PUBLIC KEY BLOCK-----\n";
    const url = "https://mirror.example.org/packages";
    const graph = await siteGraph(SMALL, {
      lxdProject: "dhis2",
      siem: JSON.stringify({ image: "debian:13", memory: "9GiB", heap: "3g", cpu: 3, disk: "77GiB" }),
      versions: JSON.stringify({ elastic: "8.19.5", filebeat: "7.17.29" }),
      packages: JSON.stringify({ url, key, fingerprint: "A".repeat(40), pip: "https://pip.example.org/s" }),
      delivery: JSON.stringify({ destinations }),
    });
    const commands = graph.resources.filter(({ type }) => type.endsWith("remote:Command"));
    const withLine = (line: string) =>
      commands
        .filter(({ inputs }) => String(inputs.stdin).split("\n").includes(line))
        .map(({ name }) => name);
    const agents = ["dhis", "monitor", "postgres", "proxy"].map((name) => `agent-${name}-settings`);
    const settings: [line: string, steps: string[]][] = [
      ["IMAGE='debian:13'", ["siem-container"]],
      ["MEMORY='9GiB'", ["siem-container"]],
      ["CPU='3'", ["siem-container"]],
      ["DISK='77GiB'", ["siem-container"]],
      ["-Xmx3g", ["elastic-servers"]],
      ["ELASTIC_VERSION='8.19.5'", ["elastic-servers"]],
      ["FILEBEAT_VERSION='7.17.29'", agents],
      [`PACKAGES_URL='${url}'`, [...agents, "elastic-servers"]],
      [`PACKAGES_FINGERPRINT='${"A".repeat(40)}'`, [...agents, "elastic-servers"]],
      ["-----BEGIN PGP PUBLIC KEY BLOCK-----", [...agents, "elastic-servers"]],
      ["PIP_URL='https://pip.example.org/s'", ["relay-settings"]],
      ["LXD_PROJECT='dhis2'", commands.map(({ name }) => name)],
    ];
    for (const [line, steps] of settings) assert.deepEqual(withLine(line), steps, line);
  });

  it("has the detections as the config wants them, and takes the site's own folder", async () => {
    const [off, other] = ["dhis2_impersonation", "dhis2_mass_deletion"].map(
      (name) => loadDetections().detections.find((detection) => detection.name === name)?.id ?? assert.fail(),
    );
    const detections = JSON.stringify({ [off ?? ""]: { enabled: false }, [other ?? ""]: { threshold: 77 } });
    const { resources } = await siteGraph(SMALL, { detections });
    const rule = (name: string) => resources.find((one) => one.name === `rules-${name}`);
    assert.equal(rule("dhis2_impersonation"), undefined);
    assert.match(String(rule("dhis2_mass_deletion")?.inputs.params), /"threshold":\[77\]/);
    // Looked for from the project's folder.
    await assert.rejects(
      siteGraph(SMALL, { detectionsFolder: "tests/none" }),
      /\btests\/none must be a folder that holds rules/,
    );
  });

  it("refuses a site's broken rule, with file, line and every fault", async () => {
    const folder = mkdtempSync(join(tmpdir(), "own-rules-"));
    try {
      writeFileSync(join(folder, "odd.yml"), "title: 1\nlevel: bad\n");
      await assert.rejects(siteGraph(SMALL, { detectionsFolder: folder }), (error: Error) => {
        assert.match(error.message, /^the input has .* problems; nothing was changed\n/);
        for (const fault of [
          "1: title must be",
          "2: level must be",
          "1: note is missing",
          "1: tests is missing",
        ]) {
          assert(error.message.includes(`${join(folder, "odd.yml")}:${fault}`), `${fault}: ${error.message}`);
        }
        return true;
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
