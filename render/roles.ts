/** The rights of the accounts that the stack creates: data only, so that tests can try them on a real Elasticsearch. */

/** Where the logs and the alerts are. */
export interface RoleTarget {
  /** The data stream of all lines, such as "logs-dhis2-default". */
  readonly dataStream: string;
  /** The index of all alerts, such as "alerts-dhis2-default". */
  readonly alertIndex: string;
}

/** A role's privileges in Elasticsearch, and in Kibana's default space for each feature. A feature that is not listed is hidden. */
export interface RenderedRole {
  readonly clusters: readonly string[];
  readonly indices: readonly { readonly names: string[]; readonly privileges: string[] }[];
  readonly features: Readonly<Record<string, "all" | "read">>;
}

/**
 * Kibana's features for looking at data and for building dashboards. The ids are those of features/server/oss_features.ts.
 * From 8.18 on Kibana lists them as deprecated in favour of `discover_v2` and so on, plus `savedQueryManagement`, accepts both,
 * and gives both the same rights. These ids work in every version that the stack accepts.
 */
const PEOPLE = { dashboard: "all", discover: "all", visualize: "all" } as const;

/** Returns the operator's role: read logs and alerts, see rules, build dashboards. */
export function renderOperatorRole({ dataStream, alertIndex }: RoleTarget): RenderedRole {
  return {
    clusters: [],
    indices: [{ names: [dataStream, alertIndex], privileges: ["read", "view_index_metadata"] }],
    // `stackAlerts` are the rules of type .es-query (stack_alerts/server/feature.ts).
    features: { ...PEOPLE, stackAlerts: "read" },
  };
}

/**
 * Returns the engineer's role: the operator's rights, and changes to rules. A rule that the engineer saves then runs with the
 * engineer's rights, so the engineer may add alerts. With `actions: read` a rule can use a connector, but not change it.
 */
export function renderEngineerRole(target: RoleTarget): RenderedRole {
  const operator = renderOperatorRole(target);
  return {
    clusters: operator.clusters,
    indices: [...operator.indices, { names: [target.alertIndex], privileges: ["create_doc"] }],
    features: { ...PEOPLE, actions: "read", stackAlerts: "all" },
  };
}

/**
 * Returns the role that the stack's rules run with: search the logs, add alerts. Elastic's provider needs `monitor`: it requests
 * Elasticsearch's version before it works in Kibana.
 */
export function renderRulesRole({ dataStream, alertIndex }: RoleTarget): RenderedRole {
  return {
    clusters: ["monitor"],
    indices: [
      { names: [dataStream], privileges: ["read", "view_index_metadata"] },
      { names: [alertIndex], privileges: ["create_doc"] },
    ],
    features: { actions: "read", stackAlerts: "all" },
  };
}
