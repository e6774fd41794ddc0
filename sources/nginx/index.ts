import { join } from "node:path";
import { HEADER } from "../../core/header";
import type { KibanaLocation, Source } from "../source";

/**
 * Returns the settings with which nginx also logs to the journal, in addition to its existing logs.
 * @param tag the beginning of the two journal identifiers, `TAG_access` and `TAG_error`
 */
export function renderNginxLogging(tag = "nginx"): string {
  return `${HEADER}access_log syslog:server=unix:/dev/log,tag=${tag}_access,nohostname combined;
error_log syslog:server=unix:/dev/log,tag=${tag}_error,nohostname warn;
`;
}

/**
 * Returns Kibana's location for nginx: a file that the site's server includes. It allows request lines of 12 kB, because Kibana stores
 * a page's state in the link and dhis2-tools-dab allows only 1 kB. With longer ones a request could hide: nginx sends a line to the
 * journal as one datagram of at most 208 kB (net.core.wmem_default), and loses a longer line. A line contains four texts of the
 * client (link, user, Referer, User-Agent), each at most as long as such a buffer, with up to four characters for each byte.
 * @param folder the folder of the server's settings
 */
export function renderNginxLocation(location: KibanaLocation, folder = "/etc/nginx"): string {
  // The first line that matches counts.
  const access = [
    ...location.denyFrom.map((address) => `  deny ${address};\n`),
    ...location.allowFrom.map((cidr) => `  allow ${cidr};\n`),
  ].join("");
  return `${HEADER}large_client_header_buffers 8 12k;

location = ${location.path} {
  return 302 ${location.path}/;
}

location ${location.path}/ {
${access}  deny all;

  proxy_pass https://${location.address};
  proxy_ssl_verify on;
  proxy_ssl_trusted_certificate ${folder}/dhis2-siem-ca.crt;
  proxy_ssl_name ${location.certificateName};
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

/** nginx. Requests and errors have different journal identifiers, because both contain text that a client sent. */
export const nginx: Source = {
  name: "nginx",
  title: "nginx",
  folder: __dirname,
  service: "nginx",
  datasets: ["nginx.access", "nginx.copy", "nginx.error"],
  pipeline: "web",
  lines: {
    identifiers: {
      nginx: {},
      nginx_access: { unit: "nginx.service" },
      nginx_error: { unit: "nginx.service" },
    },
    paths: ["/nginx/"],
  },
  logging: {
    scripts: [join(__dirname, "logging.sh")],
    settings: renderNginxLogging(),
  },
  proxy: {
    scripts: [join(__dirname, "location.sh")],
    renderLocation: (location) => renderNginxLocation(location),
    locationPath: "/etc/nginx/upstream/dhis2-siem.conf",
    unit: "nginx",
  },
  installed: { nginx: ["/usr/sbin/nginx"] },
};
