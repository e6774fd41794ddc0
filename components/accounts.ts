import type { Site } from "../config/site";
import { ENGINEER, ENGINEER_ROLE, OPERATOR, OPERATOR_ROLE, RULES_ROLE, RULES_USER } from "../core/names";
import { renderEngineerRole, renderOperatorRole, renderRulesRole, type RoleTarget } from "../render/roles";
import { Account } from "./account";
import type { Credentials } from "./credentials";
import type { ElasticContext } from "./elastic-provider";

export interface AccountsArgs {
  /** The cluster that the accounts are in. */
  readonly elastic: ElasticContext;
  /** Their passwords; the engineer exists only if there is a password for it. */
  readonly credentials: Credentials;
  /** The site's `email`, such as "admin@example.org": the address of people's accounts. */
  readonly email: Site["email"];
  /** What the roles are about, such as `{ dataStream: "logs-dhis2-default", alertIndex: "alerts-dhis2-default" }`. */
  readonly target: RoleTarget;
}

/** Creates the accounts: the user that the stack saves its rules as, the operator, and the engineer if it is configured. */
export function createAccounts({ elastic, credentials, email, target }: AccountsArgs) {
  const rules = new Account("rules-account", {
    elastic,
    username: RULES_USER,
    fullName: "Runs the SIEM's rules",
    password: credentials.rules,
    roleName: RULES_ROLE,
    role: renderRulesRole(target),
  });
  const operator = new Account(
    "operator",
    {
      elastic,
      email,
      username: OPERATOR,
      fullName: "Operator of the SIEM",
      password: credentials.operator,
      roleName: OPERATOR_ROLE,
      role: renderOperatorRole(target),
    },
    { aliases: [{ type: "dhis2-siem:index:Operator" }] },
  );
  const engineer =
    credentials.engineer &&
    new Account("engineer", {
      elastic,
      email,
      username: ENGINEER,
      fullName: "Engineer of the SIEM's rules",
      password: credentials.engineer,
      roleName: ENGINEER_ROLE,
      role: renderEngineerRole(target),
    });
  return { rules, operator, engineer };
}
