import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import { stableJson } from "../render/json";
import type { Pipeline } from "../pipelines";
import type { ElasticContext } from "./elasticProvider";

/** Above the built-in template for `logs-*-*` (100). */
const PRIORITY = 500;

export interface LogStoreArgs {
  readonly elastic: ElasticContext;
  readonly dataStream: string;
  readonly retentionDays: number;
  readonly mappings: object;
  /** Every pipeline, and the name of the one that the data stream's documents enter. */
  readonly pipelines: readonly Pipeline[];
  readonly entryPipeline: string;
}

/** The site's logs: the ingest pipelines, and the template of the one data stream, with its mappings and retention. */
export class LogStore extends pulumi.ComponentResource {
  readonly dataStream: string;
  readonly template: elasticstack.ElasticsearchIndexTemplate;

  constructor(name: string, args: LogStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:LogStore", name, {}, opts);
    const pipelines = ingestPipelines(this, name, args.elastic, args.pipelines);
    this.template = new elasticstack.ElasticsearchIndexTemplate(
      `${name}-template`,
      {
        name: args.dataStream,
        indexPatterns: [args.dataStream],
        priority: PRIORITY,
        dataStream: {},
        template: {
          mappings: stableJson(args.mappings),
          settings: stableJson({
            index: {
              // Unlike the default one, which a request can name away (`?pipeline=_none`).
              final_pipeline: args.entryPipeline,
              number_of_replicas: "0",
              number_of_shards: "1",
            },
          }),
          lifecycle: { dataRetention: `${args.retentionDays}d` },
        },
      },
      args.elastic.options(this, { dependsOn: pipelines }),
    );
    this.dataStream = args.dataStream;
    this.registerOutputs({ dataStream: this.dataStream });
  }
}

/** Ingest pipelines as resources named by their last part. */
export function ingestPipelines(
  parent: pulumi.Resource,
  name: string,
  elastic: ElasticContext,
  pipelines: readonly Pipeline[],
): elasticstack.ElasticsearchIngestPipeline[] {
  return pipelines.map(
    (pipeline) =>
      new elasticstack.ElasticsearchIngestPipeline(
        `${name}-${pipeline.name}`,
        {
          name: pipeline.name,
          description: pipeline.description,
          processors: [...pipeline.processors],
          onFailures: [...pipeline.onFailure],
        },
        elastic.options(parent),
      ),
  );
}
