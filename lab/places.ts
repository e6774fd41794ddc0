import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The repository. */
export const ROOT = resolve(__dirname, "..");

/** Downloads, builds and the lab's state, outside the repository (the same rule as `lab/lib.sh`). */
export const CACHE =
  process.env.DHIS2_SIEM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "dhis2-siem");

/** State of this machine's one lab: keys, the stack's state. */
export const LAB_STATE = join(CACHE, "lab");

/** The ids of the lab's processes (the same rule as `lab/lib.sh`). */
export const LAB_RUN = "/run/dhis2-siem-lab";

export const LXD_PROJECT = "dhis2-siem-lab";
export const SITE_FILE = join(ROOT, "lab/site/containers.json");
export const PROXY_ADDRESS = "10.87.0.2";
export const SIEM_ADDRESS = "10.87.0.200";
export const FQDN = "dhis2.lab.test";
