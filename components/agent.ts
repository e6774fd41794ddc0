import * as pulumi from "@pulumi/pulumi";
import type { Options, Site, SiteContainer } from "../config/site";
import { liveLogs, renderFilebeatYml } from "../render/filebeat";
import { renderLocation } from "../render/location";
import { stableJson } from "../core/json";
import { agentKeyName } from "../core/names";
import { renderLogging } from "../render/logging";
import { renewedApiKey } from "./api-key";
import type { ElasticContext } from "./elastic-provider";
import type { Host } from "./host";
import type { LogStore } from "./log-store";

export interface AgentArgs {
  /** The LXD host that the remote commands run on. */
  readonly host: Host;
  /** The cluster that makes the agent's key. */
  readonly elastic: ElasticContext;
  /** The site that the container is of. Where the container is its proxy, the agent also sets up Kibana's location there. */
  readonly site: Site;
  /** The container that is watched, one of the site's `agents`. */
  readonly container: SiteContainer;
  /** The version of Filebeat, such as `{ filebeat: "8.19.8" }`. */
  readonly versions: Pick<Options["versions"], "filebeat">;
  /** Where Elastic's packages come from: by default Elastic's own repository, with its key. */
  readonly packages: Options["packages"];
  /** From which networks Kibana may be opened, such as `{ allowFrom: ["203.0.113.0/24"] }`; none: the site's own network. */
  readonly kibana: Options["kibana"];
  /** The certificate of the cluster's CA, PEM. */
  readonly ca: pulumi.Output<string>;
  /** Where the lines go. */
  readonly logStore: LogStore;
  /** The number of the current period of keys (config/keys.ts). */
  readonly keyPeriod: number;
}

/**
 * What watches one container: journald and the services' logging, Filebeat and its settings (one remote command, all
 * of it readable in a preview), and Filebeat's own key (the other, secret), which can append to the site's data stream and no more.
 */
export class Agent extends pulumi.ComponentResource {
  readonly keyId: pulumi.Output<string>;

  constructor(name: string, args: AgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:Agent", name, {}, opts);
    const { host, site, container, packages, logStore } = args;
    const key = renewedApiKey(
      this,
      `${name}-key`,
      {
        elastic: args.elastic,
        period: args.keyPeriod,
        name: agentKeyName(container.name),
        roleDescriptors: stableJson(agentPrivileges(logStore.dataStream)),
        metadata: keyMetadata(container, site.fqdn),
      },
      [logStore.template],
    );
    // One owner for a proxy's configuration, its test and its reload.
    const location = container === site.proxy ? renderLocation(site, args.kibana) : undefined;
    const logging = renderLogging(container.type, location);
    const settings = host.inContainer(
      `${name}-settings`,
      container.name,
      {
        title: `logging and Filebeat in ${container.name}`,
        scripts: ["packages", ...logging.scripts, "health", "shipping", "agent"],
        values: {
          CONTAINER_TYPE: container.type,
          ...logging.values,
          FILEBEAT_VERSION: args.versions.filebeat,
          PACKAGES_URL: packages.url,
          PACKAGES_FINGERPRINT: packages.fingerprint,
          FQDN: site.fqdn,
          HEALTH_PATHS: "/",
          LOG_FILES: liveLogs(container.type).join(" "),
          GENERATION: container.generation,
        },
        files: {
          health_report: host.script("health-report"),
          shipping_report: host.script("shipping-report"),
          packages_key: packages.key ?? "",
          ca: args.ca,
          ...logging.files,
          filebeat_yml: renderFilebeatYml(container, {
            fqdn: site.fqdn,
            siemAddress: site.siem.ip,
            dataStream: logStore.dataStream,
          }),
        },
      },
      { parent: this },
    );
    host.inContainer(
      `${name}-start`,
      container.name,
      {
        title: `the agent's key in ${container.name}`,
        scripts: ["key"],
        values: { CONTAINER: container.name, GENERATION: container.generation },
        secrets: { api_key: pulumi.secret(pulumi.interpolate`${key.keyId}:${key.apiKey}`) },
      },
      { parent: this, dependsOn: [settings] },
    );
    this.keyId = key.keyId;
    this.registerOutputs({ keyId: this.keyId });
  }
}

/** Whom a key speaks for: the pipelines put it in place of what a line says of its container (pipelines/scripts/normalise.painless). */
export function keyMetadata({ name, type }: SiteContainer, site: string): string {
  return stableJson({ container: name, site, type });
}

/** Append to the data stream, and ask the server its version. `allow_restricted_indices` is named because Elasticsearch adds it. */
export function agentPrivileges(dataStream: string): object {
  return {
    agent: {
      cluster: ["monitor"],
      indices: [
        {
          names: [dataStream],
          privileges: ["auto_configure", "create_doc"],
          allow_restricted_indices: false,
        },
      ],
    },
  };
}
