import type { Options, Site } from "../config/site";
import { sourcesOf } from "../machines";
import { KIBANA_PATH, KIBANA_PORT } from "./elastic";

/**
 * Returns Kibana's location for the site's proxy. It is open to the networks of `kibana.allowFrom`, or to the site's own if there are
 * none. The gateway is in such a network, but it may not open Kibana unless it is listed by itself: if LXD or another program passes
 * connections to the proxy without the client's address, the whole internet comes from the gateway.
 */
export function renderLocation(site: Site, { allowFrom, allowEveryone }: Options["kibana"]): string {
  const [server] = sourcesOf(site.proxy.type);
  if (server?.proxy === undefined)
    throw new Error(`no web server is known on a machine of type ${site.proxy.type}`);
  const { gateway, cidr } = site.network;
  const isGatewayListed = allowEveryone || allowFrom.some((network) => network === `${gateway}/32`);
  return server.proxy.renderLocation({
    path: KIBANA_PATH,
    address: `${site.siem.ip}:${KIBANA_PORT}`,
    certificateName: site.siem.name,
    allowFrom: allowFrom.length > 0 ? allowFrom : [cidr],
    denyFrom: isGatewayListed ? [] : [gateway],
  });
}
