import * as pulumi from "@pulumi/pulumi";
import type { SiteContainer } from "../config/site";
import { stableJson } from "../core/json";
import { healthKeyName } from "../core/names";
import { agentPrivileges, keyMetadata } from "./agent";
import { renewedApiKey } from "./api-key";
import type { ElasticContext } from "./elastic-provider";
import type { Host } from "./host";
import type { LogStore } from "./log-store";
import type { SiemContainer } from "./siem-container";

/** The files of the servers' certificate and of the CA that signed it (scripts/elastic.sh). */
const CERTIFICATES = ["/etc/elasticsearch/certs/server.crt", "/var/lib/dhis2-siem/tls/ca.crt"];

export interface SiemHealthArgs {
  /** The LXD host that the remote commands run on. */
  readonly host: Host;
  /** The cluster that makes the key. */
  readonly elastic: ElasticContext;
  /** The SIEM's container in the site's file, such as `{ name: "siem", ip: "192.168.0.200", ... }`. */
  readonly container: SiteContainer;
  /** The same container as a resource: the timer is deleted with it. */
  readonly siem: SiemContainer;
  /** The site's domain, such as "dhis2.example.org". It is in the key's metadata. */
  readonly fqdn: string;
  /** The certificate of the cluster's CA, PEM. */
  readonly ca: pulumi.Output<string>;
  /** Where the reports go. */
  readonly logStore: LogStore;
  /** The number of the current period of keys (config/keys.ts). */
  readonly keyPeriod: number;
}

/**
 * Sets up the health reports of the SIEM's own container, which has no agent. A timer writes to the log stream how full the
 * disks are and how much of the certificates' lifetime is over. Its key can only append to the log stream.
 */
export class SiemHealth extends pulumi.ComponentResource {
  constructor(name: string, args: SiemHealthArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:SiemHealth", name, {}, opts);
    const { host, container, logStore } = args;
    const key = renewedApiKey(
      this,
      `${name}-key`,
      {
        elastic: args.elastic,
        period: args.keyPeriod,
        name: healthKeyName(container.name),
        roleDescriptors: stableJson(agentPrivileges(logStore.dataStream)),
        metadata: keyMetadata(container, args.fqdn),
      },
      [logStore.template],
    );
    host.inContainer(
      `${name}-timer`,
      container.name,
      {
        title: `the SIEM's own health in ${container.name}`,
        scripts: ["health"],
        values: {
          HEALTH_PATHS: `/ /var/lib/elasticsearch ${CERTIFICATES.join(" ")}`,
          DATA_STREAM: logStore.dataStream,
          GENERATION: container.generation,
        },
        files: { ca: args.ca, health_report: host.script("health-report") },
        secrets: {
          api_key: pulumi.secret(pulumi.interpolate`${key.keyId}:${key.apiKey}`),
        },
      },
      { parent: this, deletedWith: args.siem.command },
    );
    this.registerOutputs({});
  }
}
