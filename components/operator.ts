import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import { OPERATOR, OPERATOR_ROLE } from "../core/names";
import type { ElasticContext } from "./elastic-provider";

export interface OperatorArgs {
  /** The cluster that the account is in. */
  readonly elastic: ElasticContext;
  /** The account's password (Credentials makes it). */
  readonly password: pulumi.Output<string>;
  /** Its address for mail, the site's `email`, such as "admin@example.org". */
  readonly email: string;
  /** The data stream that it may read, such as "logs-dhis2-default". */
  readonly dataStream: string;
  /** The index of alerts that it may read and add to, such as "alerts-dhis2-default". */
  readonly alertIndex: string;
}

/**
 * The account that people use: Kibana, and reading logs and alerts. Nobody works as `elastic`. A rule acts with the rights
 * of who saved it last: the operator may add to the alerts, or one that the operator saved would write none, in silence.
 */
export class Operator extends pulumi.ComponentResource {
  readonly username: pulumi.Output<string>;

  constructor(name: string, args: OperatorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:Operator", name, {}, opts);
    const role = new elasticstack.KibanaSecurityRole(
      `${name}-role`,
      {
        name: OPERATOR_ROLE,
        elasticsearch: {
          clusters: ["monitor"],
          indices: [
            { names: [args.dataStream], privileges: ["read", "view_index_metadata"] },
            { names: [args.alertIndex], privileges: ["create_doc", "read", "view_index_metadata"] },
          ],
        },
        kibanas: [{ bases: ["all"], spaces: ["default"] }],
      },
      args.elastic.options(this),
    );
    const user = new elasticstack.ElasticsearchSecurityUser(
      `${name}-user`,
      {
        username: OPERATOR,
        fullName: "Operator of the SIEM",
        email: args.email,
        password: args.password,
        roles: [role.name],
        enabled: true,
      },
      args.elastic.options(this),
    );
    this.username = user.username;
    this.registerOutputs({ username: this.username });
  }
}
