import * as pulumi from "@pulumi/pulumi";
import type { SiteContainer } from "../config/site";
import { stableJson } from "../core/json";
import { WATCH_KEY } from "../core/names";
import { KIBANA_PATH, KIBANA_PORT } from "../render/elastic";
import { loadWatchProgram } from "../scripts";
import { agentPrivileges, keyMetadata } from "./agent";
import { renewedApiKey } from "./api-key";
import type { ElasticContext } from "./elastic-provider";
import type { Host } from "./host";
import type { LogStore } from "./log-store";
import type { SiemContainer } from "./siem-container";

export interface SiemWatchArgs {
  /** The LXD host that the remote commands run on. */
  readonly host: Host;
  /** The cluster that makes the key. */
  readonly elastic: ElasticContext;
  /** The SIEM's container as the site's file has it. */
  readonly container: SiteContainer;
  /** The same container as a resource: the timer goes with it. */
  readonly siem: SiemContainer;
  /** The site's domain, such as "dhis2.example.org". */
  readonly fqdn: string;
  /** The certificate of the cluster's CA, PEM. */
  readonly ca: pulumi.Output<string>;
  /** Where the reports go. */
  readonly logStore: LogStore;
  /** The index of alerts, whose pipeline is watched too, such as "alerts-dhis2-default". */
  readonly alertIndex: string;
  /** The number of the current period of keys (config/keys.ts). */
  readonly keyPeriod: number;
  /** The names of the machines that must be heard, such as `["proxy", "dhis", "siem"]`. */
  readonly machines: readonly string[];
  /** What the watch must find (render/watch.ts). */
  readonly expected: object;
}

/**
 * The SIEM's watch over itself: a timer in its container that compares rules, accounts, keys and pipelines with what the stack
 * deployed, and writes each difference into the log stream. Its key can read these, and add lines.
 */
export class SiemWatch extends pulumi.ComponentResource {
  constructor(name: string, args: SiemWatchArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:SiemWatch", name, {}, opts);
    const { host, container, logStore } = args;
    const key = renewedApiKey(
      this,
      `${name}-key`,
      {
        elastic: args.elastic,
        period: args.keyPeriod,
        name: WATCH_KEY,
        roleDescriptors: stableJson(watchPrivileges(logStore.dataStream, args.alertIndex)),
        metadata: keyMetadata(container, args.fqdn),
      },
      [logStore.template],
    );
    const settings = {
      container: container.name,
      dataStream: logStore.dataStream,
      elasticsearch: "https://127.0.0.1:9200",
      // Kibana listens on the container's address only.
      kibana: `https://${container.ip}:${KIBANA_PORT}${KIBANA_PATH}`,
      machines: args.machines,
      expected: args.expected,
    };
    host.inContainer(
      `${name}-timer`,
      container.name,
      {
        title: `the SIEM's watch over itself in ${container.name}`,
        scripts: ["packages", "siem-watch"],
        values: { GENERATION: container.generation },
        files: { ca: args.ca, program: loadWatchProgram(), settings: `${stableJson(settings, 1)}\n` },
        secrets: { api_key: pulumi.secret(pulumi.interpolate`${key.keyId}:${key.apiKey}`) },
      },
      { parent: this, deletedWith: args.siem.command },
    );
    this.registerOutputs({});
  }
}

/** Read accounts, keys, pipelines and rules; see of which machines lines come; see which pipelines the stream and the alert index use; add lines. */
export function watchPrivileges(dataStream: string, alertIndex: string): object {
  const { agent } = agentPrivileges(dataStream) as { agent: { indices: object[] } };
  return {
    watch: {
      applications: [
        { application: "kibana-.kibana", privileges: ["feature_stackAlerts.read"], resources: ["*"] },
      ],
      cluster: ["monitor", "read_pipeline", "read_security"],
      indices: [
        ...agent.indices,
        { names: [dataStream], privileges: ["read"], allow_restricted_indices: false },
        {
          names: [dataStream, alertIndex],
          privileges: ["view_index_metadata"],
          allow_restricted_indices: false,
        },
      ],
    },
  };
}
