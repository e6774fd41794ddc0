import { join } from "node:path";
import type { Source } from "../source";

/** munin-node, which any machine may have: its log goes to the journal. */
export const muninNode: Source = {
  name: "munin-node",
  title: "munin-node",
  folder: __dirname,
  service: "system",
  datasets: ["system.log"],
  pipeline: "system",
  lines: { identifiers: { "munin-node": {} } },
  logging: { scripts: [join(__dirname, "logging.sh")] },
};
