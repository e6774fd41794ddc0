import assert from "node:assert/strict";
import { parse } from "yaml";
import { MACHINE_TYPES, type MachineTypeName } from "../../machines";
import { MARKER } from "../../render/filebeat";
import { loadScripts } from "../../scripts";
import { exampleFilebeatYml, inputsOf } from "../support/filebeat";

/**
 * The keys that both 7.17 and 8.19 document (filebeat.reference.yml, and the pages of the two inputs). Filebeat ignores unknown
 * keys, so its `test config` would not report them. `fields` has our own names.
 */
const KNOWN = [
  "filebeat.inputs.type",
  "filebeat.inputs.id",
  "filebeat.inputs.processors.drop_event.when.not.or.equals.journald.uid",
  "filebeat.inputs.processors.drop_event.when.not.or.equals.journald.process.executable",
  "filebeat.inputs.processors.drop_event.when.or.equals.journald.uid",
  "filebeat.inputs.processors.drop_event.when.or.equals.journald.process.executable",
  "filebeat.inputs.processors.script.lang",
  "filebeat.inputs.processors.script.source",
  "filebeat.inputs.paths",
  "filebeat.inputs.prospector.scanner.check_interval",
  "filebeat.inputs.prospector.scanner.recursive_glob",
  "filebeat.inputs.harvester_limit",
  "filebeat.inputs.message_max_bytes",
  "filebeat.inputs.file_identity.inode_marker.path",
  "filebeat.inputs.close.on_state_change.inactive",
  "filebeat.inputs.close.on_state_change.removed",
  "filebeat.inputs.ignore_inactive",
  "filebeat.inputs.ignore_older",
  "name",
  "fields_under_root",
  "fields",
  "processors.include_fields.fields",
  "processors.truncate_fields.fields",
  "processors.truncate_fields.max_bytes",
  "processors.truncate_fields.fail_on_error",
  "processors.truncate_fields.ignore_missing",
  "output.elasticsearch.hosts",
  "output.elasticsearch.api_key",
  "output.elasticsearch.index",
  "output.elasticsearch.worker",
  "output.elasticsearch.bulk_max_size",
  "output.elasticsearch.ssl.certificate_authorities",
  "output.elasticsearch.ssl.verification_mode",
  "setup.template.enabled",
  "setup.ilm.enabled",
  "queue.mem.events",
  "queue.mem.flush.min_events",
  "queue.mem.flush.timeout",
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

/** The input of an example container that reads files. */
const fileInput = (type: MachineTypeName) =>
  inputsOf(exampleFilebeatYml(type)).find((input) => input.type === "filestream");

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
    const file = fileInput("dhis2");
    assert.deepEqual(file?.file_identity, { inode_marker: { path: MARKER } });
    assert.match(loadScripts().agent, new RegExp(`^FILEBEAT_MARKER=${MARKER}$`, "m"));
  });

  it("reads the journal alone where no log is a file", () => {
    assert.deepEqual(
      [...new Set(inputsOf(exampleFilebeatYml("postgres")).map(({ type }) => type))],
      ["journald"],
    );
  });

  it("reads munin's own logs, which are files, beside those of its apache2", () => {
    const munin = ["update", "graph", "html", "limits", "cgi-graph", "cgi-html"].flatMap((program) => [
      `/var/log/munin/munin-${program}.log`,
      `/var/log/munin/munin-${program}.log.1`,
    ]);
    assert.deepEqual(fileInput("munin_monitor")?.paths, [
      ...munin,
      ...(fileInput("apache_proxy")?.paths as string[]),
    ]);
  });

  it("has fewer names for its files than it may open, in a folder that a service can write to", () => {
    for (const type of MACHINE_TYPES) {
      const input = fileInput(type);
      const paths = ((input?.paths ?? []) as string[]).filter(
        (path) => !path.startsWith("/var/log/apache2/"),
      );
      const names = paths.map((path) => {
        assert.doesNotMatch(path, /\*/, path);
        return 10 ** (path.match(/\[0-9\]/g) ?? []).length;
      });
      const sum = names.reduce((all, one) => all + one, 0);
      assert.ok(sum <= Number(input?.harvester_limit ?? 0), `${type}: ${sum}`);
    }
  });

  it("gives each line of the journal to one of two readers: what one drops, the other sends", () => {
    const journal = inputsOf(exampleFilebeatYml("postgres")) as {
      id: string;
      processors: [{ drop_event: { when: { not?: object } } }];
    }[];
    const [root, others] = journal.map(({ processors }) => processors[0].drop_event.when);
    assert.equal(journal.length, 2);
    assert.deepEqual(root?.not, others);
    assert.notEqual(journal[0]?.id, journal[1]?.id);
  });
});
