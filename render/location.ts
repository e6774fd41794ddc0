import type { Options, Site } from "../config/site";
import { KIBANA_PATH, KIBANA_PORT } from "./elastic";
import { HEADER } from "./header";

/** Kibana's location for the site's proxy, nginx or apache2; open to the config's networks, or else to the site's own. */
export function renderLocation(site: Site, options: Options): string {
  const { allowFrom } = options.kibana;
  const location = {
    address: site.siem.ip,
    certificateName: site.siem.name,
    allowFrom: allowFrom.length > 0 ? allowFrom : [site.network.cidr],
  };
  return site.proxy.kind === "nginx" ? renderNginxLocation(location) : renderApacheLocation(location);
}

/** What a location needs to know: Kibana's address, its name in the certificate, and who may come (CIDRs). */
export interface LocationOptions {
  readonly address: string;
  readonly certificateName: string;
  readonly allowFrom: readonly string[];
}

/**
 * Kibana behind nginx: a file of the server's `upstream/` folder. Its request lines may be 12 kB: Kibana keeps a
 * page's state in the link, and dhis2-tools-dab allows 1 kB. With longer ones a request could hide: nginx sends a line to
 * the journal as one datagram, of at most 208 kB (net.core.wmem_default), and loses a longer one. A line has four texts of
 * a client's (link, user, Referer, User-Agent), each within such a buffer, and up to four characters for each byte.
 */
export function renderNginxLocation(options: LocationOptions): string {
  const allow = options.allowFrom.map((cidr) => `  allow ${cidr};\n`).join("");
  return `${HEADER}large_client_header_buffers 8 12k;

location = ${KIBANA_PATH} {
  return 302 ${KIBANA_PATH}/;
}

location ${KIBANA_PATH}/ {
${allow}  deny all;

  proxy_pass https://${options.address}:${KIBANA_PORT};
  proxy_ssl_verify on;
  proxy_ssl_trusted_certificate /etc/nginx/dhis2-siem-ca.crt;
  proxy_ssl_name ${options.certificateName};
  proxy_ssl_server_name on;
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header Connection "";
  proxy_read_timeout 300s;
  proxy_buffer_size 64k;
  proxy_buffers 8 64k;
  client_max_body_size 50m;
}
`;
}

/**
 * Kibana behind apache2 (2.4.30 or later): a file of the virtual host's `upstream/` folder. The certificate's name is
 * not compared: apache2 compares it with the browser's Host where the site preserves that, and with no IP address ever.
 * The CA vouches for it: it is the SIEM's own, and signs this one server.
 */
export function renderApacheLocation(options: LocationOptions): string {
  const url = `https://${options.address}:${KIBANA_PORT}${KIBANA_PATH}`;
  return `${HEADER}<Proxy "https://${options.address}:${KIBANA_PORT}/*">
  SSLProxyEngine on
  SSLProxyCACertificateFile /etc/apache2/dhis2-siem-ca.crt
  SSLProxyVerify require
  SSLProxyCheckPeerName off
  SSLProxyCheckPeerCN off
</Proxy>

<Location ${KIBANA_PATH}>
  Require ip ${options.allowFrom.join(" ")}
  ProxyPass "${url}" timeout=300
  ProxyPassReverse "${url}"
  RequestHeader set X-Forwarded-Proto "https"
</Location>
`;
}
