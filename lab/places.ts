import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../core/root";

const NAMES = [
  ...["LAB", "LOGS", "STATE", "RUN", "STACK", "LXD_PROJECT", "BRIDGE", "BRIDGE_ADDRESS", "SUBNET", "LOGIN"],
  ...["SUDOERS", "SSH_PORT", "FORWARD_ELASTICSEARCH", "FORWARD_KIBANA", "IMAGE"],
  ...["FILEBEAT_VERSION", "OLDER_FILEBEAT_VERSION", "ELASTIC_VERSION"],
] as const;

/** What lab/names.sh says of the lab that DHIS2_SIEM_LAB names: the names stand there once. */
function names(): Record<(typeof NAMES)[number], string> {
  const ask =
    'set -eu; cd "$0"; . core/shell.sh; . lab/names.sh; for name; do printf "%s\\n" "${!name}"; done';
  const values = execFileSync("bash", ["-c", ask, ROOT, ...NAMES], { encoding: "utf8" }).split("\n");
  return Object.fromEntries(NAMES.map((name, index) => [name, values[index] ?? ""])) as ReturnType<
    typeof names
  >;
}

const lab = names();

/** The lab's number: the environment's DHIS2_SIEM_LAB, or 1. */
export const LAB = Number(lab.LAB);
/** Keys, settings and state. */
export const LAB_STATE = lab.STATE;
/** The ids of the lab's processes. */
export const LAB_RUN = lab.RUN;
/** What the lab's servers and scripts write. */
export const LAB_LOGS = lab.LOGS;
/** The stack's name. */
export const STACK = lab.STACK;
export const LXD_PROJECT = lab.LXD_PROJECT;
/** The base image of the lab's containers, in its LXD project. */
export const IMAGE = lab.IMAGE;
/** The lab's network interface on this machine. */
export const BRIDGE = lab.BRIDGE;
/** This machine's address in the lab's network. */
export const BRIDGE_ADDRESS = lab.BRIDGE_ADDRESS;
/** The login that the stack uses, and the file that gives it sudo. */
export const LOGIN = lab.LOGIN;
export const SUDOERS = lab.SUDOERS;
export const SSH_PORT = Number(lab.SSH_PORT);
/** The loopback ports of the stack's forward. */
export const FORWARD = {
  elasticsearchPort: Number(lab.FORWARD_ELASTICSEARCH),
  kibanaPort: Number(lab.FORWARD_KIBANA),
} as const;
export const VERSIONS = {
  elastic: lab.ELASTIC_VERSION,
  filebeat: lab.FILEBEAT_VERSION,
  olderFilebeat: lab.OLDER_FILEBEAT_VERSION,
} as const;

/** An address of the lab's network, from its last number: `address(2)` is the proxy's. */
export const address = (last: number): string => `${lab.SUBNET}.${last}`;

/** An address as a pattern of a regular expression. */
export const literal = (text: string): string => text.replaceAll(".", "\\.");

/** A text that names addresses of the first lab, with this lab's instead. */
export const withAddresses = (text: string): string => text.replaceAll("10.87.0.", `${lab.SUBNET}.`);

export const PROXY_ADDRESS = address(2);
export const DHIS_ADDRESS = address(10);
export const POSTGRES_ADDRESS = address(20);
export const SIEM_ADDRESS = address(200);
export const FQDN = "dhis2.lab.test";

/** The lab's site as the repository has it, with the first lab's addresses. */
export const SITE_TEMPLATE = join(ROOT, "lab/site/containers.json");
/** The lab's site with its own addresses (written by stack.ts). */
export const SITE_FILE = join(LAB_STATE, "containers.json");
