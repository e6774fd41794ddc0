/** The rights of the accounts that the stack creates: data only, so that tests can try them on a real Elasticsearch. */

/** Where the logs and the alerts are. */
export interface RoleTarget {
  /** The data stream of all lines, such as "logs-dhis2-default". */
  readonly dataStream: string;
  /** The index of all alerts, such as "alerts-dhis2-default". */
  readonly alertIndex: string;
}

/** What a role may do in Elasticsearch, and in Kibana's default space by feature. A feature that is not named is not visible. */
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

/** Read logs and alerts, see rules, build dashboards. */
export function renderOperatorRole({ dataStream, alertIndex }: RoleTarget): RenderedRole {
  return {
    clusters: [],
    indices: [{ names: [dataStream, alertIndex], privileges: ["read", "view_index_metadata"] }],
    // `stackAlerts` are the rules of type .es-query (stack_alerts/server/feature.ts).
    features: { ...PEOPLE, stackAlerts: "read" },
  };
}

/**
 * What the operator may do, and change rules. A rule that the engineer saves runs with the engineer's rights from then on, so
 * the engineer may add alerts. `actions: read` lets a rule use a connector, not change one.
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
 * The rights that the stack's rules run with: search the logs, add alerts. `monitor` is for Elastic's provider, which asks
 * Elasticsearch for its version before it works in Kibana.
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
