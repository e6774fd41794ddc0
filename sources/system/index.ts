import { join } from "node:path";
import { CANARY, CANARY_ALERT, HEALTH_UNIT } from "../../core/names";
import { HEADER } from "../../core/header";
import type { Identifier, Source } from "../source";

/**
 * Returns journald's settings: it keeps lines over a restart and drops none. logging.sh adds how much of the disk it may use.
 *
 * - No rate limit: it counts lines of a unit. sudo's are of the session of its user, so a user could hide a sudo behind a flood.
 * - `LineMax`: a service's line is cut there, and the rest counts as a line of its own, which begins with whatever a client sent.
 *   By default at 48K; a user name of 1 MB fits. journald keeps as much in memory for each service at most.
 * - `SystemMaxFiles`: an entry that is larger than a file makes journald begin a new one, so anybody can make it do so. Each reader
 *   of the journal has each file open.
 */
export function renderJournaldConf(): string {
  return `${HEADER}[Journal]
Storage=persistent
RateLimitIntervalSec=0
RateLimitBurst=0
LineMax=1200K
SystemMaxFiles=80
`;
}

/** Programs whose journal identifier is their own name. */
const BY_NAME = [
  "chpasswd",
  "gpasswd",
  "groupadd",
  "groupdel",
  "groupmod",
  "kernel",
  "passwd",
  "sshd-auth",
  "sshd-session",
  "systemd",
  "systemd-journald",
  "systemd-logind",
  "useradd",
  "userdel",
  "usermod",
];

const IDENTIFIERS: Readonly<Record<string, Identifier>> = {
  ...Object.fromEntries(BY_NAME.map((name) => [name, { programs: [name] }])),
  CRON: { programs: ["cron"] },
  kernel: { programs: ["kernel"], unit: "" },
  sshd: { programs: ["sshd", "sshd-session", "sshd-auth"], unit: "ssh.service" },
  su: { programs: ["su", "su-rs"] },
  sudo: { programs: ["sudo", "sudo-rs", "sudo.ws"], unit: "session-1.scope" },
  // This stack's own scripts. normalise.painless accepts their lines only from root.
  [CANARY]: { programs: [] },
  [CANARY_ALERT]: { programs: [] },
  [HEALTH_UNIT]: { programs: [] },
};

/** The operating system of every machine: sshd, sudo, su, accounts, the OOM killer, journald; also the health reports of this SIEM. */
export const system: Source = {
  name: "system",
  title: "the system",
  folder: __dirname,
  service: "system",
  datasets: ["dhis2.health", "system.auth", "system.log", "system.sshd", "system.sudo"],
  lines: { identifiers: IDENTIFIERS },
  logging: {
    scripts: [join(__dirname, "logging.sh")],
    settings: renderJournaldConf(),
  },
};
