import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { RenderedRole } from "../render/roles";
import type { ElasticContext } from "./elastic-provider";

export interface AccountArgs {
  /** The cluster that the account is in. */
  readonly elastic: ElasticContext;
  /** The login name, such as "operator". */
  readonly username: string;
  /** The full name that Kibana shows, such as "Operator of the SIEM". */
  readonly fullName: string;
  /** Its password (Credentials makes it). */
  readonly password: pulumi.Output<string>;
  /** Its mail address, such as "admin@example.org". Default: none, for an account that no person uses. */
  readonly email?: string;
  /** The role's name, such as "dhis2-siem-operator". */
  readonly roleName: string;
  /** What the account may do (render/roles.ts). */
  readonly role: RenderedRole;
}

/** Creates an account of the SIEM with a role of its own. The accounts are the operator's, the engineer's, and the one that rules run as. */
export class Account extends pulumi.ComponentResource {
  readonly username: pulumi.Output<string>;
  readonly user: elasticstack.ElasticsearchSecurityUser;

  constructor(name: string, args: AccountArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:Account", name, {}, opts);
    const { clusters, indices, features } = args.role;
    const kibana = {
      features: Object.entries(features).map(([feature, privilege]) => ({
        name: feature,
        privileges: [privilege],
      })),
      spaces: ["default"],
    };
    const role = new elasticstack.KibanaSecurityRole(
      `${name}-role`,
      {
        name: args.roleName,
        elasticsearch: {
          ...(clusters.length > 0 && { clusters: [...clusters] }),
          indices: indices.map(({ names, privileges }) => ({ names, privileges })),
        },
        kibanas: [kibana],
      },
      args.elastic.options(this),
    );
    this.user = new elasticstack.ElasticsearchSecurityUser(
      `${name}-user`,
      {
        username: args.username,
        fullName: args.fullName,
        email: args.email,
        password: args.password,
        roles: [role.name],
        enabled: true,
      },
      args.elastic.options(this),
    );
    this.username = this.user.username;
    this.registerOutputs({ username: this.username });
  }
}
