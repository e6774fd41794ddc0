import type { Finding } from "../finding";
import { type Check, DAY, findingsOrOk, formatDuration, ifAnswered } from "./context";

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
  const known = facts.kibanaClients;
  const letIn =
    known === undefined
      ? []
      : ifAnswered("clients", "Elasticsearch", known, (found): Finding[] => {
          if (found === undefined || found.count === 0) return [];
          const ago = facts.now - found.newest;
          return [
            {
              ...finding,
              severity: ago < DAY ? "problem" : "warning",
              text: `${found.count} requests to Kibana from outside kibana.allowFrom were let in within 7 days, the last ${formatDuration(ago)} ago, from ${found.addresses.join(", ")}`,
              fix: "see who that was; if kibana.allowFrom was larger then, nothing; else correct the proxy's settings for Kibana, then: pulumi up",
            },
          ];
        });
  return findingsOrOk("clients", [...hidden, ...letIn], name, "nobody from outside was let in to Kibana");
};
