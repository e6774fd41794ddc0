import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import { stableJson } from "../core/json";
import type { Pipeline } from "../pipelines";
import type { ElasticContext } from "./elastic-provider";
import { ingestPipelines } from "./log-store";

export interface AlertStoreArgs {
  readonly elastic: ElasticContext;
  readonly index: string;
  readonly mappings: object;
  /** Makes objects and numbers of the connector's strings. */
  readonly pipeline: Pipeline;
}

/** Where alerts land: an index with a pipeline of its own, and the `.index` connector that rules write through. */
export class AlertStore extends pulumi.ComponentResource {
  readonly connectorId: pulumi.Output<string>;

  constructor(name: string, args: AlertStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:AlertStore", name, {}, opts);
    const { elastic } = args;
    const pipelines = ingestPipelines(this, name, elastic, [args.pipeline]);
    const index = new elasticstack.ElasticsearchIndex(
      `${name}-index`,
      {
        name: args.index,
        defaultPipeline: args.pipeline.name,
        mappings: stableJson(args.mappings),
        numberOfReplicas: 0,
        numberOfShards: 1,
        // Destroying alerts is explicit: see the operator's guide.
        deletionProtection: true,
      },
      elastic.options(this, { dependsOn: pipelines }),
    );
    const connector = new elasticstack.KibanaActionConnector(
      `${name}-connector`,
      {
        name: args.index,
        connectorTypeId: ".index",
        config: stableJson({ executionTimeField: "@timestamp", index: args.index, refresh: true }),
      },
      elastic.options(this, { dependsOn: [index] }),
    );
    this.connectorId = connector.connectorId;
    this.registerOutputs({ connectorId: this.connectorId });
  }
}
