import type { Options, Site } from "../../config/site";
import { KIBANA_PATH } from "../../render/elastic";
import { describeLogs } from "../../render/logging";

/** What the stack would make of a site, as text for people. */
export function describeSite(site: Site, siem: Options["siem"]): string {
  const facts = [
    [
      "site",
      `${site.fqdn} (${site.timezone}), network ${site.network.cidr}, gateway ${site.network.gateway}`,
    ],
    ["Kibana", `https://${site.fqdn}${KIBANA_PATH}, through ${site.proxy.program} in "${site.proxy.name}"`],
    [
      "SIEM",
      `"${site.siem.name}" at ${site.siem.ip}: ${siem.image}, memory ${siem.memory}, heap ${siem.heap}, CPU ${siem.cpu}, disk ${siem.disk ?? "not limited"}${siem.protect ? ", protected" : ""}`,
    ],
    ["agents", `in ${site.agents.length} of ${site.containers.length} containers`],
  ];
  const rows = site.containers.map((container) => [
    container.name,
    container.type,
    container.ip,
    String(container.generation),
    ...(site.agents.includes(container) ? ["yes", describeLogs(container.type)] : ["no", ""]),
  ]);
  return `${columns(facts)}\n\n${columns([["container", "type", "ip", "generation", "agent", "logs"], ...rows])}\n`;
}

/** Rows with their columns one below the other. */
function columns(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(width(column)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
