import type { ContainerType } from "../config/site";
import { HEADER } from "./header";

/** What the services' logging looks like: small files that each service includes, taken away again with the agent. */

/** journald: persistent, nothing dropped, at most `maxUse` of disk (systemd's own notation). */
export function renderJournaldConf(maxUse = "1G"): string {
  return `${HEADER}[Journal]
Storage=persistent
RateLimitIntervalSec=0
RateLimitBurst=0
SystemMaxUse=${maxUse}
`;
}

/**
 * nginx: its access and error logs to the journal, each by a name of its own, as what a client sends is in both.
 * `scripts/journal.sh` adds the logs that it writes already.
 */
export function renderNginxLogging(): string {
  return `${HEADER}access_log syslog:server=unix:/dev/log,tag=nginx_access,nohostname combined;
error_log syslog:server=unix:/dev/log,tag=nginx_error,nohostname warn;
`;
}

/**
 * apache2's requests go into a file, which the agent reads and Debian's logrotate rotates: a pipe to the journal would cut
 * long lines (`logger` at 1 KiB) or mix them (4 KiB), and a request is hidden by making it long. GlobalLog also takes those
 * of virtual hosts with a log of their own (2.4.19 and later).
 */
export const APACHE_LOG = "/var/log/apache2/dhis2-siem-access.log";

/** apache2: its requests into APACHE_LOG, its errors to the journal, beside the logs that it writes already. */
export function renderApacheLogging(): string {
  return `${HEADER}GlobalLog "${APACHE_LOG}" combined
ErrorLog "syslog:user:apache2"
# Kibana's long links.
LimitRequestLine 65536
LimitRequestFieldSize 65536
`;
}

/**
 * PostgreSQL: to the journal as well as to where it logs already, with connections. The process's number stands again
 * behind what a client chooses (%u, %d), so that none of that is taken for the line's own level (pipelines/postgresql.yml).
 */
export function renderPostgresLogging(): string {
  return `${HEADER}log_destination = 'stderr,syslog'
syslog_ident = 'postgres'
syslog_split_messages = off
log_connections = on
log_disconnections = on
log_line_prefix = '%m [%p] %q%u@%d %h [%p] '
`;
}

/** The files of `scripts/journal.sh` that a container of this type needs. */
export function loggingFiles(type: ContainerType): Record<string, string> {
  const journald = { journald_conf: renderJournaldConf() };
  switch (type) {
    case "nginx_proxy":
      return { ...journald, nginx_logging: renderNginxLogging() };
    case "apache_proxy":
    case "munin_monitor":
      return { ...journald, apache_logging: renderApacheLogging() };
    case "postgres":
    case "postgres12":
      return { ...journald, postgres_logging: renderPostgresLogging() };
    default:
      return journald;
  }
}
