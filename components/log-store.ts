import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { SiteContainer } from "../config/site";
import { sha256, stableJson } from "../core/json";
import type { Pipeline } from "../pipelines";
import type { ElasticContext } from "./elastic-provider";
import type { Host } from "./host";
import type { SiemContainer } from "./siem-container";

/** Above the built-in template for `logs-*-*` (100). */
const PRIORITY = 500;

export interface LogStoreArgs {
  readonly host: Host;
  readonly elastic: ElasticContext;
  readonly container: SiteContainer;
  readonly siem: SiemContainer;
  readonly dataStream: string;
  readonly retentionDays: number;
  readonly mappings: object;
  /** Every pipeline, and the name of the one that the data stream's documents enter. */
  readonly pipelines: readonly Pipeline[];
  readonly entryPipeline: string;
}

/**
 * The site's logs: the ingest pipelines, the template of the one data stream, with its mappings and retention, and a step
 * in the SIEM's container that brings a stream which is there already under a template that changed.
 */
export class LogStore extends pulumi.ComponentResource {
  readonly dataStream: string;
  readonly template: elasticstack.ElasticsearchIndexTemplate;

  constructor(name: string, args: LogStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:LogStore", name, {}, opts);
    const pipelines = ingestPipelines(this, name, args.elastic, args.pipelines);
    const made = {
      mappings: stableJson(args.mappings),
      settings: stableJson({
        index: {
          // Unlike the default one, which a request can name away (`?pipeline=_none`).
          final_pipeline: args.entryPipeline,
          number_of_replicas: "0",
          number_of_shards: "1",
        },
      }),
    };
    const retention = `${args.retentionDays}d`;
    this.template = new elasticstack.ElasticsearchIndexTemplate(
      `${name}-template`,
      {
        name: args.dataStream,
        indexPatterns: [args.dataStream],
        priority: PRIORITY,
        dataStream: {},
        template: { ...made, lifecycle: { dataRetention: retention } },
      },
      args.elastic.options(this, { dependsOn: pipelines }),
    );
    args.host.inContainer(
      `${name}-stream`,
      args.container.name,
      {
        title: `${args.dataStream} as its template now says`,
        scripts: ["request", "log-stream"],
        values: {
          DATA_STREAM: args.dataStream,
          RETENTION: retention,
          TEMPLATE: sha256(stableJson(made)),
          GENERATION: args.container.generation,
        },
      },
      { parent: this, dependsOn: [this.template], deletedWith: args.siem.command },
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
          // The provider refuses an empty list (MinItems in its schema).
          ...(pipeline.onFailure.length > 0 && { onFailures: [...pipeline.onFailure] }),
        },
        elastic.options(parent),
      ),
  );
}
