import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { Options, SiteContainer } from "../config/site";
import { renderFilebeatYml } from "../render/filebeat";
import { stableJson } from "../core/json";
import { renderLogging } from "../render/logging";
import type { ElasticContext } from "./elastic-provider";
import type { Host } from "./host";
import type { LogStore } from "./log-store";

export interface AgentArgs {
  readonly host: Host;
  readonly elastic: ElasticContext;
  readonly container: SiteContainer;
  readonly options: Options;
  readonly fqdn: string;
  readonly siemAddress: string;
  readonly ca: pulumi.Output<string>;
  readonly logStore: LogStore;
  /** Kibana's location, where this container is the site's proxy: one owner for a proxy's configuration, its test and its reload. */
  readonly location?: string;
}

/**
 * What watches one container: journald and the services' logging, Filebeat and its settings (one remote command, all
 * of it readable in a preview), and Filebeat's own key (the other, secret), which can append to the site's data stream and no more.
 */
export class Agent extends pulumi.ComponentResource {
  readonly keyId: pulumi.Output<string>;

  constructor(name: string, args: AgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:Agent", name, {}, opts);
    const { host, container, options, logStore } = args;
    const key = new elasticstack.ElasticsearchSecurityApiKey(
      `${name}-key`,
      {
        name: `dhis2-siem-agent-${container.name}`,
        roleDescriptors: stableJson(agentPrivileges(logStore.dataStream)),
        metadata: keyMetadata(container, args.fqdn),
      },
      args.elastic.options(this, { dependsOn: [logStore.template] }),
    );
    const logging = renderLogging(container.type, args.location);
    const settings = host.inContainer(
      `${name}-settings`,
      container.name,
      {
        title: `logging and Filebeat in ${container.name}`,
        scripts: ["packages", ...logging.scripts, "health", "agent"],
        values: {
          CONTAINER_TYPE: container.type,
          ...logging.values,
          FILEBEAT_VERSION: options.versions.filebeat,
          PACKAGES_URL: options.packages.url,
          PACKAGES_FINGERPRINT: options.packages.fingerprint,
          FQDN: args.fqdn,
          HEALTH_PATHS: "/",
          GENERATION: container.generation,
        },
        files: {
          health_report: host.script("health-report"),
          packages_key: options.packages.key ?? "",
          ca: args.ca,
          ...logging.files,
          filebeat_yml: renderFilebeatYml(container, {
            fqdn: args.fqdn,
            siemAddress: args.siemAddress,
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
