import type { Options, Site } from "../config/site";
import { FIREWALL_TABLE } from "../core/names";
import { HEADER } from "../core/header";
import { ELASTICSEARCH_PORT, KIBANA_PORT } from "./elastic";

/** Elasticsearch's transport. It listens on loopback only; closed here too. */
const TRANSPORT_PORT = 9300;
const CLOSED_PORTS = [KIBANA_PORT, ELASTICSEARCH_PORT, TRANSPORT_PORT];

/** Who may reach the SIEM's ports from outside its container: IPv4 addresses and networks. */
export interface FirewallSources {
  /** Port 9200: the machines with an agent, and the host if the forward begins there. */
  readonly elasticsearch: readonly string[];
  /** Port 5601: the proxy, and the host if the forward begins there. */
  readonly kibana: readonly string[];
  /** Both ports: `siem.allowFrom`. */
  readonly networks: readonly string[];
}

/**
 * Returns who may reach the SIEM's ports. sshd on the host opens the forward's connections, so they come from the host's
 * own address in the containers' network, which is the gateway.
 */
export function firewallSources(
  site: Site,
  { access, siem }: { access: Options["access"]; siem: Pick<Options["siem"], "allowFrom"> },
): FirewallSources {
  const forward = access === "forward" ? [site.network.gateway] : [];
  const sorted = (addresses: readonly string[]) => [...new Set([...addresses, ...forward])].sort();
  return {
    elasticsearch: sorted(site.agents.map(({ ip }) => ip)),
    kibana: sorted([site.proxy.ip]),
    networks: [...siem.allowFrom].sort(),
  };
}

/**
 * Returns nftables rules for the SIEM's container, as a file for `nft -f`. nft loads it as one transaction, so there is no
 * moment without rules. The rules have a table of their own, so they change nobody else's; what they do not reject is left
 * to the others. They need no connection tracking: a packet of a machine that is no longer in a set is rejected at once.
 * No IPv6 address is in a set, so IPv6 is closed.
 */
export function renderFirewall({ elasticsearch, kibana, networks }: FirewallSources): string {
  const set = (name: string, addresses: readonly string[], type: string) =>
    `  set ${name} {\n    type ipv4_addr${type}\n${
      addresses.length > 0 ? `    elements = { ${addresses.join(", ")} }\n` : ""
    }  }\n`;
  const table = `table inet ${FIREWALL_TABLE}`;
  return `${HEADER}# Created first, so that there is a table to delete.
${table}
delete ${table}
${table} {
${set("elasticsearch", elasticsearch, "")}${set("kibana", kibana, "")}${set("networks", networks, "\n    flags interval\n    auto-merge")}  chain input {
    type filter hook input priority filter - 10; policy accept;
    iifname "lo" return
    tcp dport ${ELASTICSEARCH_PORT} ip saddr @elasticsearch return
    tcp dport ${KIBANA_PORT} ip saddr @kibana return
    tcp dport { ${KIBANA_PORT}, ${ELASTICSEARCH_PORT} } ip saddr @networks return
    ${FIREWALL_REJECT}
  }
}
`;
}

/** The rule that closes the ports, as nft prints it too (seen with nft 1.0.6 and its option -s). */
export const FIREWALL_REJECT = `tcp dport { ${CLOSED_PORTS.join(", ")} } counter reject with tcp reset`;
