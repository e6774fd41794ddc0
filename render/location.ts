import type { Options, Site } from "../config/site";
import { sourcesOf } from "../machines";
import { KIBANA_PATH, KIBANA_PORT } from "./elastic";

/** Returns Kibana's location for the site's proxy. It is open to the networks of `kibana.allowFrom`, or to the site's own if there are none. */
export function renderLocation(site: Site, { allowFrom }: Options["kibana"]): string {
  const [server] = sourcesOf(site.proxy.type);
  if (server?.proxy === undefined)
    throw new Error(`no web server is known on a machine of type ${site.proxy.type}`);
  return server.proxy.renderLocation({
    path: KIBANA_PATH,
    address: `${site.siem.ip}:${KIBANA_PORT}`,
    certificateName: site.siem.name,
    allowFrom: allowFrom.length > 0 ? allowFrom : [site.network.cidr],
  });
}
