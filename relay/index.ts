import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The texts of the relay's program and of the list of its packages. */
export type RelayFiles = Readonly<Record<"siem_relay_py" | "siem_messages_py" | "requirements", string>>;

/** Reads the files of `relay/`. */
export function loadRelayFiles(): RelayFiles {
  const read = (name: string) => readFileSync(join(__dirname, name), "utf8");
  return {
    siem_relay_py: read("siem_relay.py"),
    siem_messages_py: read("siem_messages.py"),
    requirements: read("requirements.txt"),
  };
}
