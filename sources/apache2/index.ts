import { join } from "node:path";
import { HEADER } from "../../core/header";
import type { KibanaLocation, Source } from "../source";

/**
 * Requests go into this file. The agent reads it, and Debian's logrotate rotates it. A pipe to the journal would cut long lines (`logger`
 * at 1 KiB) or mix them (4 KiB), so an attacker could hide a request by making it long.
 */
const ACCESS_LOG = "/var/log/apache2/dhis2-siem-access.log";

/**
 * Returns the settings with which apache2 logs requests to ACCESS_LOG and errors to the journal, in addition to its existing logs.
 * GlobalLog also logs the requests of virtual hosts that have their own log (2.4.19 and later).
 */
export function renderApacheLogging(): string {
  return `${HEADER}GlobalLog "${ACCESS_LOG}" combined
ErrorLog "syslog:user:apache2"
# Kibana's long links.
LimitRequestLine 65536
LimitRequestFieldSize 65536
`;
}

/**
 * Returns Kibana's location for apache2 2.4.30 or later: a file of the virtual host's `upstream/` folder. The name in Kibana's
 * certificate is not compared: apache2 would compare it with the browser's Host if the site preserves that header, and it never
 * compares IP addresses. The CA is enough: it belongs to this SIEM, and signs only this certificate.
 */
export function renderApacheLocation(location: KibanaLocation): string {
  const denied = location.denyFrom.map((address) => `    Require not ip ${address}\n`).join("");
  const url = `https://${location.address}${location.path}`;
  return `${HEADER}<Proxy "https://${location.address}/*">
  SSLProxyEngine on
  SSLProxyCACertificateFile /etc/apache2/dhis2-siem-ca.crt
  SSLProxyVerify require
  SSLProxyCheckPeerName off
  SSLProxyCheckPeerCN off
</Proxy>

<Location ${location.path}>
  <RequireAll>
    Require ip ${location.allowFrom.join(" ")}
${denied}  </RequireAll>
  ProxyPass "${url}" timeout=300
  ProxyPassReverse "${url}"
  RequestHeader set X-Forwarded-Proto "https"
</Location>
`;
}

/** apache2, as Debian packages it. */
export const apache2: Source = {
  name: "apache2",
  title: "apache2",
  folder: __dirname,
  service: "apache",
  datasets: ["apache.access", "apache.copy", "apache.error"],
  pipeline: "web",
  lines: {
    identifiers: { apache2: {}, httpd: {} },
    paths: ["/apache2/", "/httpd/"],
  },
  files: [ACCESS_LOG, "/var/log/apache2/*error*.log"],
  logging: {
    scripts: [join(__dirname, "logging.sh")],
    settings: renderApacheLogging(),
  },
  proxy: {
    scripts: [join(__dirname, "location.sh")],
    renderLocation: renderApacheLocation,
    locationPath: "/etc/apache2/upstream/dhis2-siem",
    unit: "apache2",
  },
  installed: { apache2: ["/usr/sbin/apache2"] },
};
