import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import { stableJson } from "../core/json";
import { alertIndexName } from "../core/names";
import { renderAlertMappings, renderPipelines } from "../pipelines";
import type { ElasticContext } from "./elastic-provider";
import { ingestPipelines } from "./log-store";

export interface AlertStoreArgs {
  /** The cluster that the alerts are kept in. */
  readonly elastic: ElasticContext;
  /** The stack's `namespace`, by default "default"; the index is then "alerts-dhis2-default". */
  readonly namespace: string;
}

/** Creates the index of alerts with its pipeline, and the `.index` connector through which rules write alerts. */
export class AlertStore extends pulumi.ComponentResource {
  /** The index's name, such as "alerts-dhis2-default". */
  readonly index: string;
  readonly connectorId: pulumi.Output<string>;

  constructor(name: string, args: AlertStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:AlertStore", name, {}, opts);
    const { elastic } = args;
    this.index = alertIndexName(args.namespace);
    // Converts the connector's strings to objects and numbers.
    const pipeline = renderPipelines(args.namespace).alerts;
    const pipelines = ingestPipelines(this, name, elastic, [pipeline]);
    const index = new elasticstack.ElasticsearchIndex(
      `${name}-index`,
      {
        name: this.index,
        defaultPipeline: pipeline.name,
        mappings: stableJson(renderAlertMappings()),
        numberOfReplicas: 0,
        numberOfShards: 1,
        // Alerts are only deleted on explicit request: see the operator's guide.
        deletionProtection: true,
      },
      elastic.options(this, { dependsOn: pipelines }),
    );
    const connector = new elasticstack.KibanaActionConnector(
      `${name}-connector`,
      {
        name: this.index,
        connectorTypeId: ".index",
        config: stableJson({ executionTimeField: "@timestamp", index: this.index, refresh: true }),
      },
      elastic.options(this, { dependsOn: [index] }),
    );
    this.connectorId = connector.connectorId;
    this.registerOutputs({ connectorId: this.connectorId });
  }
}
