import { stringify } from "yaml";
import type { SiteContainer } from "../config/site";
import { HEADER } from "../core/header";
import { type MachineTypeName, sourcesOf } from "../machines";
import type { Source } from "../sources/source";
import { ELASTICSEARCH_PORT } from "./elastic";
import { journalInputs } from "./filebeat-journal";

/** A file that scripts/agent.sh creates once in each container. Filebeat identifies log files by its text, among others. */
export const MARKER = "/var/lib/dhis2-siem/filebeat-marker";

/** Bytes of a line that are sent. The longest line of a proxy is shorter: four texts of 12 kB, each byte escaped as four. */
export const LINE_LIMIT_BYTES = 256 * 1024;

/**
 * Bytes that are sent of a text that only names something. The journal takes such texts from the sender as they are: a
 * priority, for example, may be a text of megabytes.
 */
const NAME_LIMIT_BYTES = 1024;

/** Files that Filebeat opens at most. Each costs about 80 kB (seen with 7.17.29). No machine type has as many names. */
const FILE_LIMIT = 128;

/**
 * What is sent of an event. Everything else is dropped here: any process may add fields to its journal lines, as many and as
 * long as it likes.
 */
const FIELDS = [
  "message",
  "tags",
  "agent",
  "ecs",
  "host",
  "input",
  "dhis2",
  "journald.custom.line_break",
  "journald.gid",
  "journald.pid",
  "journald.process.executable",
  "journald.process.name",
  "journald.uid",
  "log.file.path",
  "log.flags",
  "log.offset",
  "log.syslog.priority",
  "process.pid",
  "syslog.identifier",
  "syslog.priority",
  "systemd.cgroup",
  "systemd.slice",
  "systemd.transport",
  "systemd.unit",
];

/** The texts among FIELDS, besides the message, that the sender of a line chooses. */
const CHOSEN_BY_SENDER = [
  "journald.custom.line_break",
  "journald.process.executable",
  "log.syslog.priority",
  "syslog.identifier",
  "syslog.priority",
];

/** The processors that limit an event's size. If a text is cut, Filebeat notes it in `log.flags`. Numbers are not changed. */
const PROCESSORS = [
  { include_fields: { fields: FIELDS } },
  { truncate_fields: { fields: ["message"], max_bytes: LINE_LIMIT_BYTES, ignore_missing: true } },
  {
    truncate_fields: {
      fields: CHOSEN_BY_SENDER,
      max_bytes: NAME_LIMIT_BYTES,
      fail_on_error: false,
      ignore_missing: true,
    },
  },
];

/**
 * How files are read, each line once.
 *
 * - `paths`: include rolled files, so that their last lines are still read.
 * - `file_identity`: a file is identified by its inode and the marker. By default Filebeat uses the inode and the device's number.
 *   That number can change at a boot (ZFS, btrfs, LVM), and then the whole file would be read again and raise alerts again.
 * - `removed`: a file that was compressed and removed, or renamed to a name that is not in `paths`, is still read to its end.
 * - `inactive`: longer than a day, after which a log is rolled. Filebeat opens a closed file again for a new line, but not if
 *   the file was renamed before Filebeat saw that line (elastic/beats #39732).
 * - `ignore_inactive`: skips files that are older than the agent. Otherwise their lines would count as new, and DHIS2 never
 *   deletes its rolled files.
 * - `ignore_older`: a start of Filebeat does not open rolled files that are older than a week.
 * - `harvester_limit`: only for a folder with a "*" in its name. If a file is over the limit, Filebeat tries it again with its next line.
 * - `message_max_bytes`: a line is cut there while it is read. A line of four times as many bytes is skipped.
 */
function fileInput(paths: readonly string[]): object {
  return {
    type: "filestream",
    id: "files",
    paths,
    prospector: { scanner: { check_interval: "5s", recursive_glob: false } },
    file_identity: { inode_marker: { path: MARKER } },
    close: { on_state_change: { inactive: "25h", removed: false } },
    ignore_inactive: "since_first_start",
    ignore_older: "168h",
    harvester_limit: FILE_LIMIT,
    message_max_bytes: 4 * LINE_LIMIT_BYTES,
  };
}

/** Returns the logs in files that the agent of such a machine reads, without rolled ones: absolute paths, which may hold "*". */
export function liveLogs(type: MachineTypeName): readonly string[] {
  return sourcesOf(type).flatMap(({ files = [] }) => files);
}

/** Returns the paths of a source's logs, rolled files included. */
function pathsOf({ files = [], rolled = [".1"] }: Source): string[] {
  return files.flatMap((file) => [file, ...rolled.map((end) => file + end)]);
}

/** The settings that all agents of a site share. */
export interface AgentOptions {
  readonly fqdn: string;
  /** The SIEM's container's IPv4 address. */
  readonly siemAddress: string;
  /** The data stream that the agent's key can append to. */
  readonly dataStream: string;
}

/**
 * Returns an agent's filebeat.yml. It has only keys that Filebeat 7.17 and 8.19 both accept. The key for Elasticsearch is not in
 * it: Filebeat reads it from its keystore. `seek` is not set: by default both versions continue where the agent stopped.
 *
 * `queue.mem` and `bulk_max_size` limit the memory: 256 lines of LINE_LIMIT_BYTES, and 64 of them again as a request. The only
 * `worker` sends one request at a time, so an agent that sends a flood delays another agent's line by one request at most.
 */
export function renderFilebeatYml(container: SiteContainer, options: AgentOptions): string {
  const paths = sourcesOf(container.type).flatMap(pathsOf);
  const config = {
    "filebeat.inputs": [...journalInputs(), ...(paths.length > 0 ? [fileInput(paths)] : [])],
    name: container.name,
    fields_under_root: true,
    fields: {
      "dhis2.site": options.fqdn,
      "dhis2.container.name": container.name,
      "dhis2.container.type": container.type,
    },
    processors: PROCESSORS,
    "output.elasticsearch": {
      hosts: [`https://${options.siemAddress}:${ELASTICSEARCH_PORT}`],
      api_key: "${SIEM_API_KEY}",
      index: options.dataStream,
      worker: 1,
      bulk_max_size: 64,
      ssl: { certificate_authorities: ["/etc/filebeat/dhis2-siem-ca.crt"], verification_mode: "full" },
    },
    "setup.template.enabled": false,
    "setup.ilm.enabled": false,
    "queue.mem": { events: 256, flush: { min_events: 64, timeout: "1s" } },
    "http.enabled": true,
    "http.host": "unix:///var/lib/filebeat/stats.sock",
    "logging.level": "warning",
    "logging.to_files": false,
    "logging.to_stderr": true,
  };
  return HEADER + stringify(config);
}
