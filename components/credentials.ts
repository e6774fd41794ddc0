import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Options } from "../config/site";

/**
 * Creates every secret of the stack once, at random: the passwords of `elastic`, of Kibana's own user and of the accounts
 * (components/account.ts), and Kibana's encryption keys. They have only letters and digits, so JSON, YAML and curl's config
 * need no escaping.
 */
export class Credentials extends pulumi.ComponentResource {
  readonly elastic: pulumi.Output<string>;
  readonly kibanaSystem: pulumi.Output<string>;
  readonly operator: pulumi.Output<string>;
  /** The password of the account that the stack's rules run as. */
  readonly rules: pulumi.Output<string>;
  /** The engineer's password. Undefined if the site has no engineer. */
  readonly engineer?: pulumi.Output<string>;
  /** Kibana's encryption keys of saved objects, reports and login cookies. */
  readonly kibanaKeys: Record<"objects" | "reporting" | "security", pulumi.Output<string>>;

  /** @param accounts which accounts the site has besides the operator's, such as `{ engineer: true }` */
  constructor(name: string, accounts: Options["accounts"], opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:Credentials", name, {}, opts);
    const password = (what: string, length = 32) =>
      pulumi.secret(
        new random.RandomPassword(`${name}-${what}`, { length, special: false }, { parent: this }).result,
      );
    this.elastic = password("elastic");
    this.kibanaSystem = password("kibana-system");
    this.operator = password("operator", 24);
    this.rules = password("rules");
    if (accounts.engineer) this.engineer = password("engineer", 24);
    this.kibanaKeys = {
      objects: password("key-objects"),
      reporting: password("key-reporting"),
      security: password("key-security"),
    };
    this.registerOutputs({ elastic: this.elastic, operator: this.operator });
  }
}
