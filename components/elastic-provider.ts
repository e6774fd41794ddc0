import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { Endpoints, OpenConnection } from "../connection";
import { KIBANA_PATH } from "../render/elastic";
import type { ElasticStack } from "./elastic-stack";

/** The cluster and the provider that every resource inside the Elastic stack needs. */
export class ElasticContext {
  constructor(
    private readonly provider: elasticstack.Provider,
    private readonly stack: ElasticStack,
    private readonly endpoints: pulumi.Output<Endpoints>,
  ) {}

  /** Returns the same cluster with another login. Resources that are created with it belong to that user. */
  as(name: string, { username, password, user }: OtherLogin): ElasticContext {
    const { stack, endpoints } = this;
    const provider = createProvider(name, { stack, endpoints, username, password }, [user]);
    return new ElasticContext(provider, stack, endpoints);
  }

  /**
   * Returns the options of a resource in the cluster: the explicit provider, and the dependency on the cluster. If another
   * cluster replaces this one, the resource is created there and is not deleted from the old one.
   */
  options(parent: pulumi.Resource, extra: pulumi.CustomResourceOptions = {}): pulumi.CustomResourceOptions {
    return {
      parent,
      provider: this.provider,
      deletedWith: this.stack.identity,
      replaceWith: [this.stack.identity],
      ...extra,
    };
  }
}

/** A user of the cluster. */
export interface OtherLogin {
  readonly username: string;
  readonly password: pulumi.Output<string>;
  /** The user as a resource: the provider logs in once the user exists. */
  readonly user: pulumi.Resource;
}

export interface ElasticContextArgs {
  /** The servers, whose CA the provider trusts. */
  readonly stack: ElasticStack;
  /** The password of Elasticsearch's user `elastic` (Credentials makes it). */
  readonly password: pulumi.Output<string>;
  /** Opens the way to the servers (`prepareConnection` of connection/). */
  readonly openConnection: OpenConnection;
}

/** Returns the provider for everything in the Elastic stack. It exists once the servers are ready and reachable. */
export function elasticContext(name: string, args: ElasticContextArgs): ElasticContext {
  const { stack, password } = args;
  const endpoints = args.openConnection(stack.ca);
  const provider = createProvider(name, { stack, endpoints, username: "elastic", password });
  return new ElasticContext(provider, stack, endpoints);
}

interface ProviderLogin {
  readonly stack: ElasticStack;
  readonly endpoints: pulumi.Output<Endpoints>;
  readonly username: string;
  readonly password: pulumi.Output<string>;
}

function createProvider(
  name: string,
  { stack, endpoints, ...login }: ProviderLogin,
  dependsOn: pulumi.Resource[] = [],
): elasticstack.Provider {
  return new elasticstack.Provider(
    `${name}-provider`,
    {
      elasticsearch: { ...login, endpoints: [endpoints.elasticsearch], caData: stack.ca },
      kibana: {
        ...login,
        endpoints: [endpoints.kibana.apply((url) => `${url}${KIBANA_PATH}`)],
        caCerts: [endpoints.caFile],
      },
    },
    { parent: stack, dependsOn },
  );
}
