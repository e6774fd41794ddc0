import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import { loadDashboards } from "../dashboards";
import { renderDashboards, renderDataViews } from "../render/dashboards";
import type { ElasticContext } from "./elastic-provider";

export interface ViewsArgs {
  /** The cluster whose Kibana gets the data views and dashboards. */
  readonly elastic: ElasticContext;
  /** The stack's `namespace`, by default "default"; the data views are then those of "logs-dhis2-default" and "alerts-dhis2-default". */
  readonly namespace: string;
}

/**
 * Creates the data views of logs and alerts, and the dashboards. If the import fails, the update fails (the provider itself
 * only warns).
 */
export class Views extends pulumi.ComponentResource {
  constructor(name: string, args: ViewsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:Views", name, {}, opts);
    const { logs, alerts } = renderDataViews(args.namespace);
    const fileContents = renderDashboards(loadDashboards(), { logsView: logs.id, alertsView: alerts.id });
    const views = [logs, alerts].map(
      (view) =>
        new elasticstack.KibanaDataView(
          `${name}-${view.id}`,
          { dataView: { ...view }, override: true },
          // Kibana counts here how often a field is used in Discover. The provider would replace the view because of a new count.
          args.elastic.options(this, { ignoreChanges: ["dataView.fieldAttrs"] }),
        ),
    );
    const imported = new elasticstack.KibanaImportSavedObjects(
      `${name}-dashboards`,
      { fileContents, overwrite: true },
      args.elastic.options(this, { dependsOn: views }),
    );
    const result = pulumi.all([imported.success, imported.errors, imported.urn]);
    this.registerOutputs({ imported: result.apply(throwIfImportFailed) });
  }
}

/** Returns true, or throws a RunError if Kibana's import failed. The result stays in the state: only a replacement tries again. */
export function throwIfImportFailed([success, errors, urn]: readonly [
  boolean | undefined,
  unknown,
  string,
]): boolean {
  if (success === false)
    throw new pulumi.RunError(
      `Kibana did not import the dashboards: ${JSON.stringify(errors)}; fix the cause, then run: pulumi up --replace '${urn}'`,
    );
  return true;
}
