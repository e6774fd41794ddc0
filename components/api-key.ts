import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import { KEY_LIFETIME } from "../config/keys";
import { keyName } from "../core/names";
import type { ElasticContext } from "./elastic-provider";

export interface ApiKeyArgs {
  /** The cluster that makes the key. */
  readonly elastic: ElasticContext;
  /** The number of the current period (config/keys.ts). */
  readonly period: number;
  /** The key's name without the period, such as "dhis2-siem-agent-dhis". */
  readonly name: string;
  /** Its privileges, as JSON with sorted keys. */
  readonly roleDescriptors: string;
  /** Its metadata, as JSON with sorted keys: the container that it was made for, and for some keys the site. */
  readonly metadata: string;
}

/**
 * Creates the API keys of this period and of the last one, and returns this period's. In a new period the older key is replaced,
 * and the key that was used until then stays valid, so a machine that is down during the update can still use it. In a stack's
 * first period nobody uses the other key.
 */
export function renewedApiKey(
  parent: pulumi.Resource,
  resourceName: string,
  { elastic, period, name, ...rights }: ApiKeyArgs,
  dependsOn: pulumi.Resource[] = [],
): elasticstack.ElasticsearchSecurityApiKey {
  const create = (of: number) =>
    new elasticstack.ElasticsearchSecurityApiKey(
      // Two resources take turns, so that a new period is a replacement and not another resource.
      `${resourceName}-${of % 2 === 0 ? "even" : "odd"}`,
      { ...rights, name: keyName(name, of), expiration: KEY_LIFETIME },
      elastic.options(parent, { dependsOn }),
    );
  create(period - 1);
  return create(period);
}
