import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../core/root";

const NAMES = [
  ...["LAB", "LOGS", "STATE", "RUN", "STACK", "LXD_PROJECT", "BRIDGE", "BRIDGE_ADDRESS", "SUBNET", "LOGIN"],
  ...["SUDOERS", "SSH_PORT", "FORWARD_ELASTICSEARCH", "FORWARD_KIBANA", "IMAGE"],
  ...["FILEBEAT_VERSION", "OLDER_FILEBEAT_VERSION", "ELASTIC_VERSION"],
] as const;

/** Returns the names of the lab that DHIS2_SIEM_LAB selects. They are defined in lab/names.sh, and only there. */
function names(): Record<(typeof NAMES)[number], string> {
  const ask =
    'set -eu; cd "$0"; . core/shell.sh; . lab/names.sh; for name; do printf "%s\\n" "${!name}"; done';
  const values = execFileSync("bash", ["-c", ask, ROOT, ...NAMES], { encoding: "utf8" }).split("\n");
  return Object.fromEntries(NAMES.map((name, index) => [name, values[index] ?? ""])) as ReturnType<
    typeof names
  >;
}

const lab = names();

/** The lab's number: the environment variable DHIS2_SIEM_LAB. Default: 1. */
export const LAB = Number(lab.LAB);
/** The folder of keys, settings and state. */
export const LAB_STATE = lab.STATE;
/** The folder with the ids of the lab's processes. */
export const LAB_RUN = lab.RUN;
/** The folder of the logs of the lab's servers and scripts. */
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
/** The login that the stack uses, and the file that allows it sudo. */
export const LOGIN = lab.LOGIN;
export const SUDOERS = lab.SUDOERS;
export const SSH_PORT = Number(lab.SSH_PORT);
/** The loopback ports of the stack's SSH forward. */
export const FORWARD = {
  elasticsearchPort: Number(lab.FORWARD_ELASTICSEARCH),
  kibanaPort: Number(lab.FORWARD_KIBANA),
} as const;
export const VERSIONS = {
  elastic: lab.ELASTIC_VERSION,
  filebeat: lab.FILEBEAT_VERSION,
  olderFilebeat: lab.OLDER_FILEBEAT_VERSION,
} as const;

/** Returns an address of the lab's network from its last number: `address(2)` is the proxy's. */
export const address = (last: number): string => `${lab.SUBNET}.${last}`;

/** Returns a regular expression for exactly this address. */
export const literal = (text: string): string => text.replaceAll(".", "\\.");

/** Returns a text in which the first lab's addresses are replaced with this lab's. */
export const withAddresses = (text: string): string => text.replaceAll("10.87.0.", `${lab.SUBNET}.`);

export const PROXY_ADDRESS = address(2);
export const DHIS_ADDRESS = address(10);
export const POSTGRES_ADDRESS = address(20);
export const SIEM_ADDRESS = address(200);
export const FQDN = "dhis2.lab.test";

/** The lab's site file in the repository, with the first lab's addresses. */
export const SITE_TEMPLATE = join(ROOT, "lab/site/containers.json");
/** The lab's site file with its own addresses (written by stack.ts). */
export const SITE_FILE = join(LAB_STATE, "containers.json");
