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
  /** The container's site. If the container is the site's proxy, the agent also sets up Kibana's location there. */
  readonly site: Site;
  /** The container that is watched, one of the site's `agents`. */
  readonly container: SiteContainer;
  /** The version of Filebeat, such as `{ filebeat: "8.19.8" }`. */
  readonly versions: Pick<Options["versions"], "filebeat">;
  /** Where Elastic's packages come from: by default Elastic's own repository, with its key. */
  readonly packages: Options["packages"];
  /** The networks that may open Kibana, such as `{ allowFrom: ["203.0.113.0/24"] }`. Without any, it is the site's own network. */
  readonly kibana: Options["kibana"];
  /** The certificate of the cluster's CA, PEM. */
  readonly ca: pulumi.Output<string>;
  /** Where Filebeat sends the lines. */
  readonly logStore: LogStore;
  /** The number of the current period of keys (config/keys.ts). */
  readonly keyPeriod: number;
}

/**
 * Sets up the agent of one container, with two remote commands. The first sets up journald, the services' logging, Filebeat
 * and its settings; a preview can show all of it. The second is secret: it has Filebeat's key, which can only append to the
 * site's data stream.
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
    // Only this step edits, tests and reloads a proxy's configuration.
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

/**
 * Returns a key's metadata, as JSON: the container that it was made for. The pipelines write it over the container in a line
 * (pipelines/scripts/normalise.painless).
 */
export function keyMetadata({ name, type }: SiteContainer, site: string): string {
  return stableJson({ container: name, site, type });
}

/**
 * Returns the privileges of an agent's key: append to the data stream, and read the server's version.
 * `allow_restricted_indices` is set because Elasticsearch adds it.
 */
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
