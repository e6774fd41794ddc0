import { stringify } from "yaml";
import type { SiteContainer } from "../config/site";
import { sourcesOf } from "../machines";
import { ELASTICSEARCH_PORT } from "./elastic";
import { HEADER } from "../core/header";

/** What scripts/agent.sh makes once in each container; its words are part of what Filebeat knows a file by. */
export const MARKER = "/var/lib/dhis2-siem/filebeat-marker";

/**
 * How files are read, each line once.
 *
 * - `paths`: what was rolled, too (logrotate and log4j give it a number), so that its last lines are still read.
 * - `file_identity`: a file is known by its inode and the marker. By default it is its inode and its device, whose number
 *   may be another one after a boot (ZFS, btrfs, LVM): the whole file would be read again, and alert again.
 * - `removed`: a file that was compressed and removed is still read to its end.
 * - `inactive`: more than the day after which a log is rolled. A closed file is opened again for a new line, but not where
 *   it was renamed before Filebeat saw that line (elastic/beats #39732).
 * - `ignore_inactive`: what was there before the agent would count as new, and DHIS2 keeps its rolled files for ever.
 * - `ignore_older`: nor does each start open all that were rolled since; those of a week are enough.
 */
function fileInput(files: readonly string[]): object {
  return {
    type: "filestream",
    id: "files",
    paths: files.flatMap((file) => [file, `${file}.*[0-9]`]),
    prospector: { scanner: { check_interval: "5s" } },
    file_identity: { inode_marker: { path: MARKER } },
    close: { on_state_change: { inactive: "25h", removed: false } },
    ignore_inactive: "since_first_start",
    ignore_older: "168h",
  };
}

/** What a site's agents have in common. */
export interface AgentOptions {
  readonly fqdn: string;
  /** The SIEM's container's IPv4 address. */
  readonly siemAddress: string;
  /** The data stream that the agent's key can append to. */
  readonly dataStream: string;
}

/**
 * An agent's filebeat.yml, with keys only that Filebeat 7.17 and 8.19 both accept. The key to Elasticsearch is not in
 * it: Filebeat takes it from its keystore. `seek` is left to the defaults, which go on where the agent stopped in both.
 */
export function renderFilebeatYml(container: SiteContainer, options: AgentOptions): string {
  const files = sourcesOf(container.type).flatMap((source) => source.files ?? []);
  const config = {
    "filebeat.inputs": [{ type: "journald", id: "journal" }, ...(files.length > 0 ? [fileInput(files)] : [])],
    name: container.name,
    fields_under_root: true,
    fields: {
      "dhis2.site": options.fqdn,
      "dhis2.container.name": container.name,
      "dhis2.container.type": container.type,
    },
    "output.elasticsearch": {
      hosts: [`https://${options.siemAddress}:${ELASTICSEARCH_PORT}`],
      api_key: "${SIEM_API_KEY}",
      index: options.dataStream,
      ssl: { certificate_authorities: ["/etc/filebeat/dhis2-siem-ca.crt"], verification_mode: "full" },
    },
    "setup.template.enabled": false,
    "setup.ilm.enabled": false,
    "queue.mem": { events: 4096 },
    "http.enabled": true,
    "http.host": "unix:///var/lib/filebeat/stats.sock",
    "logging.level": "warning",
    "logging.to_files": false,
    "logging.to_stderr": true,
  };
  return HEADER + stringify(config);
}
