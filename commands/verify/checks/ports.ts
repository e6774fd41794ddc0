import { FIREWALL_UNIT } from "../../../core/names";
import { FIREWALL_REJECT, firewallSources } from "../../../render/firewall";
import type { Finding } from "../finding";
import { type Check, findingsOrOk, inContainer, raiseGeneration } from "./context";

/** Elasticsearch's and Kibana's ports are closed to all but the addresses that the stack put there. */
export const ports: Check = ({ site, options, facts }) => {
  const inside = facts.containers[site.siem.name];
  if (inside === undefined) return [];
  const finding = { check: "ports", severity: "problem", subject: site.siem.name } as const;
  const found = inside.firewall;
  if (found?.reject !== FIREWALL_REJECT) {
    const text = "the ports of Elasticsearch and Kibana are not closed: the rules are not loaded";
    const load = inContainer(options, site.siem.name, `systemctl restart ${FIREWALL_UNIT}`);
    return [{ ...finding, text, fix: `${load}; or ${raiseGeneration(site.siem.name)}` }];
  }
  const wanted = firewallSources(site, options);
  const wrong = (["elasticsearch", "kibana"] as const).flatMap((port): Finding[] => {
    const more = found[port].filter((address) => !wanted[port].includes(address));
    const less = wanted[port].filter((address) => !found[port].includes(address));
    const fix = `pulumi up; if nothing changes, ${raiseGeneration(site.siem.name)}`;
    return [
      ...(more.length > 0 ? [{ ...finding, text: `${port} is also open to ${more.join(", ")}`, fix }] : []),
      ...(less.length > 0 ? [{ ...finding, text: `${port} is closed to ${less.join(", ")}`, fix }] : []),
    ];
  });
  // nft joins networks, so only networks where there must be none are seen.
  if (wanted.networks.length === 0 && found.networks.length > 0) {
    const text = `both ports are also open to ${found.networks.join(", ")}`;
    wrong.push({ ...finding, text, fix: raiseGeneration(site.siem.name) });
  }
  const text = `Elasticsearch is open to ${wanted.elasticsearch.length} addresses, Kibana to ${wanted.kibana.length}`;
  return findingsOrOk("ports", wrong, site.siem.name, text);
};
