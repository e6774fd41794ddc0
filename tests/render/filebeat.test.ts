import assert from "node:assert/strict";
import { parse } from "yaml";
import { MACHINE_TYPES } from "../../machines";
import { MARKER } from "../../render/filebeat";
import { loadScripts } from "../../scripts";
import { exampleFilebeatYml, inputsOf } from "../support/filebeat";

/**
 * The keys that both 7.17 and 8.19 document (filebeat.reference.yml, and the pages of the two inputs). Filebeat passes over a
 * key that it does not know, so its `test config` would not tell. `fields` holds names of our own.
 */
const KNOWN = [
  "filebeat.inputs.type",
  "filebeat.inputs.id",
  "filebeat.inputs.paths",
  "filebeat.inputs.prospector.scanner.check_interval",
  "filebeat.inputs.file_identity.inode_marker.path",
  "filebeat.inputs.close.on_state_change.inactive",
  "filebeat.inputs.close.on_state_change.removed",
  "filebeat.inputs.ignore_inactive",
  "filebeat.inputs.ignore_older",
  "name",
  "fields_under_root",
  "fields",
  "output.elasticsearch.hosts",
  "output.elasticsearch.api_key",
  "output.elasticsearch.index",
  "output.elasticsearch.ssl.certificate_authorities",
  "output.elasticsearch.ssl.verification_mode",
  "setup.template.enabled",
  "setup.ilm.enabled",
  "queue.mem.events",
  "http.enabled",
  "http.host",
  "logging.level",
  "logging.to_files",
  "logging.to_stderr",
];
/** What they may be set to, where the two versions take different values. */
const VALUES: Readonly<Record<string, RegExp>> = {
  "filebeat.inputs.type": /^(journald|filestream)$/,
  "filebeat.inputs.ignore_inactive": /^since_(first|last)_start$/,
  "output.elasticsearch.ssl.verification_mode": /^full$/,
};

/** Each leaf as its key with dots, and its value. */
function leaves(value: unknown, key = ""): [string, unknown][] {
  if (Array.isArray(value)) return value.flatMap((item) => leaves(item, key));
  if (typeof value !== "object" || value === null || key === "fields") return [[key, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(inner, key === "" ? name : `${key}.${name}`),
  );
}

describe("an agent's filebeat.yml", () => {
  it("has no key that only one of 7.17 and 8.19 takes, in a container of any type", () => {
    const seen = MACHINE_TYPES.flatMap((type) => leaves(parse(exampleFilebeatYml(type))));
    assert.deepEqual([...new Set(seen.map(([key]) => key))].sort(), [...KNOWN].sort());
    for (const [key, value] of seen) assert.match(String(value), VALUES[key] ?? /./, key);
  });

  it("names the marker that the agent's step makes", () => {
    const [, file] = inputsOf(exampleFilebeatYml("dhis2"));
    assert.deepEqual(file?.file_identity, { inode_marker: { path: MARKER } });
    assert.match(loadScripts().agent, new RegExp(`^FILEBEAT_MARKER=${MARKER}$`, "m"));
  });

  it("reads the journal alone where no log is a file", () => {
    assert.deepEqual(
      inputsOf(exampleFilebeatYml("postgres")).map(({ type }) => type),
      ["journald"],
    );
  });

  it("reads munin's own logs, which are files, beside those of its apache2", () => {
    const [, file] = inputsOf(exampleFilebeatYml("munin_monitor"));
    const [, apache] = inputsOf(exampleFilebeatYml("apache_proxy"));
    assert.deepEqual(file?.paths, [
      "/var/log/munin/munin-*.log",
      "/var/log/munin/munin-*.log.*[0-9]",
      ...(apache?.paths as string[]),
    ]);
  });
});
