import { stringify } from "yaml";
import { CLUSTER } from "../core/names";
import { HEADER } from "../core/header";

/** Kibana's path behind the site's proxy. */
export const KIBANA_PATH = "/siem";
/** Kibana's address for people, without a slash at the end: "https://dhis2.example.org/siem". */
export const kibanaUrl = (fqdn: string) => `https://${fqdn}${KIBANA_PATH}`;
export const ELASTICSEARCH_PORT = 9200;
export const KIBANA_PORT = 5601;

/**
 * Returns a complete elasticsearch.yml for the only node. It sets `xpack.security.*` itself, so that the package's postinst
 * script configures nothing.
 * @param name the container's name
 * @param address the container's IPv4 address
 */
export function renderElasticsearchYml(name: string, address: string): string {
  const tls = (prefix: string) => ({
    [`${prefix}.enabled`]: true,
    [`${prefix}.key`]: "certs/server.key",
    [`${prefix}.certificate`]: "certs/server.crt",
    [`${prefix}.certificate_authorities`]: ["certs/ca.crt"],
  });
  return (
    HEADER +
    stringify({
      "cluster.name": CLUSTER,
      "node.name": name,
      "path.data": "/var/lib/elasticsearch",
      "path.logs": "/var/log/elasticsearch",
      "network.host": ["127.0.0.1", address],
      "http.port": ELASTICSEARCH_PORT,
      "transport.host": "127.0.0.1",
      "discovery.type": "single-node",
      "action.destructive_requires_name": true,
      "xpack.security.enabled": true,
      "xpack.security.enrollment.enabled": false,
      ...tls("xpack.security.http.ssl"),
      ...tls("xpack.security.transport.ssl"),
      "xpack.ml.enabled": false,
    })
  );
}

/**
 * Returns the JVM's options for the heap: the minimum is also the maximum.
 * @param heap as in the config: "512m", "2g"
 */
export function renderHeapOptions(heap: string): string {
  return `-Xms${heap}\n-Xmx${heap}\n`;
}

/**
 * Returns a complete kibana.yml. The secrets are in Kibana's keystore.
 * @param publicUrl `https://<fqdn>/siem`, without a slash at the end
 */
export function renderKibanaYml(name: string, address: string, publicUrl: string): string {
  return (
    HEADER +
    stringify({
      "server.name": name,
      "server.host": address,
      "server.port": KIBANA_PORT,
      "server.basePath": KIBANA_PATH,
      "server.rewriteBasePath": true,
      "server.publicBaseUrl": publicUrl,
      "server.ssl.enabled": true,
      "server.ssl.certificate": "/etc/kibana/certs/server.crt",
      "server.ssl.key": "/etc/kibana/certs/server.key",
      "elasticsearch.hosts": [`https://${address}:${ELASTICSEARCH_PORT}`],
      "elasticsearch.username": "kibana_system",
      "elasticsearch.ssl.certificateAuthorities": ["/etc/kibana/certs/ca.crt"],
      "telemetry.optIn": false,
      "telemetry.allowChangingOptInStatus": false,
    })
  );
}
