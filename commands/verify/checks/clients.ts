import { IPv4 } from "ipaddr.js";
import type { Finding } from "../finding";
import { type Check, DAY, findingsOrOk, formatDuration, ifAnswered } from "./context";

/** From so many requests a day on, one address as nearly every client is not a quiet site. */
const MANY_REQUESTS = 1000;
const NEARLY_ALL = 0.99;

function isInNetwork(address: string, network: string): boolean {
  return IPv4.isValid(address) && IPv4.parse(address).match(IPv4.parseCIDR(network));
}

/** The proxy sees its clients' own addresses, and lets nobody from outside in to Kibana. */
export const clients: Check = ({ site, options, facts }) => {
  const { name } = site.proxy;
  const finding = { check: "clients", subject: name } as const;
  const hiding = facts.instances.find((one) => one.name === name)?.hidingDevices ?? [];
  const hidden = hiding.map((device): Finding => ({
    ...finding,
    severity: "warning",
    text: `LXD's device "${device}" hides the clients' addresses: the proxy sees all requests come from the host (${site.network.gateway}), so rules take all clients for one`,
    fix: `lxc config device set ${name} ${device} nat=true --project ${options.lxdProject} (the device must listen on an address of the host), or proxy_protocol=true and the proxy's settings for it`,
  }));
  const letIn = ifAnswered("clients", "Elasticsearch", facts.kibanaClients, (found): Finding[] => {
    const { proxy, count, addresses } = found;
    const ago = facts.now - found.newest;
    const isOne = proxy.requests >= MANY_REQUESTS && proxy.fromAddress >= proxy.requests * NEARLY_ALL;
    const oneClient: Finding = {
      ...finding,
      severity: "warning",
      text: `${proxy.fromAddress} of ${proxy.requests} requests of the last day came from ${proxy.address}: something before the proxy hides the clients' addresses, so rules take all clients for one`,
      fix: "let it pass on the clients' addresses (LXD: nat=true; a load balancer: the PROXY protocol, and the proxy's settings for it)",
    };
    const outside: Finding = {
      ...finding,
      severity: ago < DAY ? "problem" : "warning",
      text: `${count} requests to Kibana from outside kibana.allowFrom were let in within 7 days, the last ${formatDuration(ago)} ago, from ${addresses.join(", ")}`,
      fix: "see who that was; if kibana.allowFrom was larger then, nothing; else correct the proxy's settings for Kibana, then: pulumi up",
    };
    const isInside = isInNetwork(proxy.address, site.network.cidr);
    return [...(isOne && isInside ? [oneClient] : []), ...(count > 0 ? [outside] : [])];
  });
  return findingsOrOk("clients", [...hidden, ...letIn], name, "nobody from outside was let in to Kibana");
};
