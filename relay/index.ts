import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The modules of the relay's program. scripts/relay.sh names them too. */
export const RELAY_MODULES = [
  "siem_relay",
  "siem_alert",
  "siem_destinations",
  "siem_heartbeat",
  "siem_key_end",
  "siem_messages",
  "siem_outages",
  "siem_secrets",
  "siem_text",
] as const;

/** The texts of the relay's modules (`siem_relay_py`) and of the list of its packages. */
export type RelayFiles = Readonly<Record<`${(typeof RELAY_MODULES)[number]}_py` | "requirements", string>>;

/** Reads the files of `relay/`. */
export function loadRelayFiles(): RelayFiles {
  const read = (name: string) => readFileSync(join(__dirname, name), "utf8");
  const modules = RELAY_MODULES.map((name) => [`${name}_py`, read(`${name}.py`)] as const);
  return { requirements: read("requirements.txt"), ...Object.fromEntries(modules) } as RelayFiles;
}
