import { stringify } from "yaml";
import type { ContainerType, SiteContainer } from "../config/site";
import { ELASTICSEARCH_PORT } from "./elastic";
import { APACHE_LOG } from "./logging";

const APACHE_FILES = [APACHE_LOG, "/var/log/apache2/*error*.log"];

/** Files that an agent reads beside the journal, by type of container (facts: DHIS2's audit log goes only to its file). */
const FILES: Partial<Record<ContainerType, readonly string[]>> = {
  dhis2: ["/opt/dhis2/logs/dhis-audit.log"],
  apache_proxy: APACHE_FILES,
  munin_monitor: APACHE_FILES,
};

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
  const files = FILES[container.type] ?? [];
  const config = {
    "filebeat.inputs": [
      { type: "journald", id: "journal" },
      ...(files.length > 0
        ? [
            {
              type: "filestream",
              id: "files",
              paths: files,
              prospector: { scanner: { check_interval: "5s" } },
            },
          ]
        : []),
    ],
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
  return `# Written by dhis2-siem; changes made here are lost at its next update.\n${stringify(config)}`;
}
