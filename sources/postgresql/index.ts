import { join } from "node:path";
import { HEADER } from "../../core/header";
import type { Source } from "../source";

/**
 * Returns the settings with which PostgreSQL also logs to the journal, with connections. The prefix contains the process id again
 * after the texts that a client chooses (%u, %d), so that the pipeline does not read the line's level from them (postgresql.painless).
 */
export function renderPostgresqlLogging(): string {
  return `${HEADER}log_destination = 'stderr,syslog'
syslog_ident = 'postgres'
syslog_split_messages = off
log_connections = on
log_disconnections = on
log_line_prefix = '%m [%p] %q%u@%d %h [%p] '
`;
}

/** PostgreSQL, as Debian packages it: its clusters are in /etc/postgresql/VERSION/NAME. */
export const postgresql: Source = {
  name: "postgresql",
  title: "PostgreSQL",
  folder: __dirname,
  service: "postgresql",
  datasets: ["postgresql.log"],
  lines: {
    identifiers: { postgres: {}, postgresql: {} },
    paths: ["/postgresql/"],
  },
  logging: {
    scripts: [join(__dirname, "logging.sh")],
    settings: renderPostgresqlLogging(),
  },
  installed: { "postgres*": ["/usr/lib/postgresql/*/bin/postgres"] },
  verify: {
    script: join(__dirname, "verify.sh"),
    faults: (clusters) => {
      const without = Object.entries(clusters).flatMap(([folder, said]) => (said === "ours" ? [] : [folder]));
      return without.length === 0
        ? []
        : [`its log does not reach the SIEM: the stack's settings are not in ${without.join(", ")}`];
    },
    good: "every cluster has the stack's settings",
  },
};
