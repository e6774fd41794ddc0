import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { Options, SiteContainer } from "../config/site";
import type { RelayFiles } from "../relay";
import { stableJson } from "../core/json";
import type { ElasticContext } from "./elastic-provider";
import type { ElasticStack } from "./elastic-stack";
import type { Host } from "./host";
import type { SiemContainer } from "./siem-container";

export interface AlertRelayArgs {
  readonly host: Host;
  readonly elastic: ElasticContext;
  readonly stack: ElasticStack;
  readonly container: SiteContainer;
  readonly siem: SiemContainer;
  readonly options: Options;
  readonly alertIndex: string;
  /** Where the relay keeps what it found and sent; a second index has `_status` behind it. */
  readonly stateIndex: string;
  readonly mappings: object;
  readonly program: RelayFiles;
  /** ElastAlert's settings, and its rule for each destination by the destination's name. */
  readonly config: string;
  readonly rules: Readonly<Record<string, string>>;
  /** Whether no preview may show the rules: what they are made of is encrypted in the stack's file. */
  readonly rulesAreSecret: boolean;
  /** By the destination's name. */
  readonly secrets: Readonly<Record<string, pulumi.Output<string>>>;
}

/**
 * What carries alerts to people on the free licence: ElastAlert 2 in the SIEM's container (one remote command, all of it
 * readable in a preview), its key and its destinations' secrets (the other, secret). The key reads the alert index and
 * writes the relay's own state, and no more.
 */
export class AlertRelay extends pulumi.ComponentResource {
  readonly keyId: pulumi.Output<string>;

  constructor(name: string, args: AlertRelayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:AlertRelay", name, {}, opts);
    const { host, container, options } = args;
    const state = [args.stateIndex, `${args.stateIndex}_status`];
    const template = new elasticstack.ElasticsearchIndexTemplate(
      `${name}-state`,
      {
        name: args.stateIndex,
        indexPatterns: state,
        priority: 500,
        template: {
          mappings: stableJson(args.mappings),
          settings: stableJson({ index: { number_of_replicas: "0", number_of_shards: "1" } }),
        },
      },
      args.elastic.options(this),
    );
    const key = new elasticstack.ElasticsearchSecurityApiKey(
      `${name}-key`,
      {
        name: "dhis2-siem-relay",
        roleDescriptors: stableJson(relayPrivileges(args.alertIndex, state)),
        metadata: stableJson({ container: container.name }),
      },
      args.elastic.options(this),
    );
    const names = Object.keys(args.rules).join(" ");
    const rules = Object.values(args.rules).map((rule, at): [string, pulumi.Input<string>] => [
      `rule_${at}`,
      args.rulesAreSecret ? pulumi.secret(rule) : rule,
    ]);
    const lifetime = { parent: this, deletedWith: args.siem.command };
    const settings = host.inContainer(
      `${name}-settings`,
      container.name,
      {
        title: `the alerts' relay in ${container.name}`,
        scripts: ["packages", "request", "relay"],
        values: {
          PIP_URL: options.packages.pip,
          RULES: names,
          STATE: state.join(" "),
          GENERATION: container.generation,
        },
        files: {
          ...args.program,
          ca: args.stack.ca,
          config: args.config,
          mappings: stableJson(args.mappings),
          ...Object.fromEntries(rules),
        },
      },
      // It asks Elasticsearch, and what it restarts may make the state's indices.
      { ...lifetime, dependsOn: [template] },
    );
    const secrets = pulumi
      .output({ id: key.keyId, secret: key.apiKey, destinations: args.secrets })
      .apply(({ id, secret, destinations }) =>
        stableJson({ destinations, es_api_key: Buffer.from(`${id}:${secret}`).toString("base64") }),
      );
    host.inContainer(
      `${name}-start`,
      container.name,
      {
        title: `the relay's secrets in ${container.name}`,
        scripts: ["relay-start"],
        values: { RULES: names, GENERATION: container.generation },
        secrets: { relay: pulumi.secret(secrets) },
      },
      { ...lifetime, dependsOn: [settings] },
    );
    this.keyId = key.keyId;
    this.registerOutputs({ keyId: this.keyId });
  }
}

/** Read alerts; keep the relay's own state; ask the server its version. */
export function relayPrivileges(alertIndex: string, state: readonly string[]): object {
  const on = (names: readonly string[], privileges: readonly string[]) => ({
    names: [...names],
    privileges: [...privileges],
    allow_restricted_indices: false,
  });
  return {
    relay: {
      cluster: ["monitor"],
      indices: [on([alertIndex], ["read"]), on(state, ["create_index", "read", "write"])],
    },
  };
}
