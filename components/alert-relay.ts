import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { Delivery } from "../config/delivery";
import type { Options, Site } from "../config/site";
import { stableJson } from "../core/json";
import { alertIndexName, RELAY_INDEX, RELAY_KEY, relayIndices } from "../core/names";
import type { Detection } from "../detections";
import { loadRelayFiles } from "../relay";
import { renderDataViews } from "../render/dashboards";
import { kibanaUrl } from "../render/elastic";
import { renderRelayConfig, renderRelayMappings, renderRelayRules } from "../render/relay";
import { renewedApiKey } from "./api-key";
import type { ElasticContext } from "./elastic-provider";
import type { ElasticStack } from "./elastic-stack";
import type { Host } from "./host";
import type { SiemContainer } from "./siem-container";

export interface AlertRelayArgs {
  /** The LXD host that the remote commands run on. */
  readonly host: Host;
  /** The cluster that makes the relay's key and keeps its state. */
  readonly elastic: ElasticContext;
  /** The servers: the relay checks their certificate with their CA. */
  readonly stack: ElasticStack;
  /** The SIEM's container as a resource: the relay is deleted with it. */
  readonly siem: SiemContainer;
  /** The site: the relay runs in its SIEM's container. Messages have the site's name and its local time. */
  readonly site: Site;
  /** The stack's `namespace`, by default "default"; the relay then reads "alerts-dhis2-default". */
  readonly namespace: string;
  /** Where Python's packages come from, such as `{ pip: "https://pypi.org/simple" }` (the default). */
  readonly packages: Pick<Options["packages"], "pip">;
  /** Where alerts go, such as a destination of type "email". */
  readonly delivery: Delivery;
  /** The site's detections: a destination can select the alerts of some detections. */
  readonly detections: readonly Detection[];
  /** Whether a preview must not show the relay's rules, because their settings are encrypted in the stack's file. */
  readonly rulesAreSecret: boolean;
  /** The number of the current period of keys (config/keys.ts). */
  readonly keyPeriod: number;
  /** Each destination's secret, by its name. */
  readonly secrets: Readonly<Record<string, pulumi.Output<string>>>;
}

/**
 * Sets up the relay, which delivers alerts to people on the free licence, with two remote commands. The first installs and
 * configures ElastAlert 2 in the SIEM's container; a preview can show all of it. The second is secret: it has the relay's key
 * and the destinations' secrets. The key can only read the alert index and write the relay's own state.
 */
export class AlertRelay extends pulumi.ComponentResource {
  readonly keyId: pulumi.Output<string>;

  constructor(name: string, args: AlertRelayArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:AlertRelay", name, {}, opts);
    const { host, site } = args;
    const container = site.siem;
    const target = {
      fqdn: site.fqdn,
      timezone: site.timezone,
      kibanaUrl: kibanaUrl(site.fqdn),
      alertIndex: alertIndexName(args.namespace),
      alertsView: renderDataViews(args.namespace).alerts.id,
      siemAddress: container.ip,
      stateIndex: RELAY_INDEX,
    };
    const state = relayIndices(RELAY_INDEX);
    const mappings = stableJson(renderRelayMappings());
    const files = Object.entries(renderRelayRules(args.delivery, target, args.detections));
    const template = new elasticstack.ElasticsearchIndexTemplate(
      `${name}-state`,
      {
        name: RELAY_INDEX,
        indexPatterns: state,
        priority: 500,
        template: {
          mappings,
          settings: stableJson({ index: { number_of_replicas: "0", number_of_shards: "1" } }),
        },
      },
      args.elastic.options(this),
    );
    const key = renewedApiKey(this, `${name}-key`, {
      elastic: args.elastic,
      period: args.keyPeriod,
      name: RELAY_KEY,
      roleDescriptors: stableJson(relayPrivileges(target.alertIndex, state)),
      metadata: stableJson({ container: container.name }),
    });
    const names = files.map(([destination]) => destination).join(" ");
    const rules = files.map(([, rule], at): [string, pulumi.Input<string>] => [
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
          PIP_URL: args.packages.pip,
          RULES: names,
          STATE: state.join(" "),
          GENERATION: container.generation,
        },
        files: {
          ...loadRelayFiles(),
          ca: args.stack.ca,
          config: renderRelayConfig(target, args.delivery.heartbeats),
          mappings,
          ...Object.fromEntries(rules),
        },
      },
      // The relay sends requests to Elasticsearch, and creates the indices of its state if they are missing.
      { ...lifetime, dependsOn: [template] },
    );
    const secrets = pulumi
      .output({
        id: key.keyId,
        secret: key.apiKey,
        expires: key.expirationTimestamp,
        destinations: args.secrets,
      })
      .apply(({ id, secret, expires, destinations }) =>
        stableJson({
          destinations,
          es_api_key: Buffer.from(`${id}:${secret}`).toString("base64"),
          // In milliseconds since 1970: the relay warns before its own key ends.
          es_api_key_expires: expires,
        }),
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

/** Returns the privileges of the relay's key: read alerts, write the relay's own state, and read the server's version. */
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
