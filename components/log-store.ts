import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { SiteContainer } from "../config/site";
import { sha256, stableJson } from "../core/json";
import { dataStreamName } from "../core/names";
import { type Pipeline, renderMappings, renderPipelines } from "../pipelines";
import type { ElasticContext } from "./elastic-provider";
import type { Host } from "./host";
import type { SiemContainer } from "./siem-container";

/** The template's priority. It is above that of the built-in template for `logs-*-*` (100). */
const PRIORITY = 500;

export interface LogStoreArgs {
  /** The LXD host that the remote commands run on. */
  readonly host: Host;
  /** The cluster that the logs are kept in. */
  readonly elastic: ElasticContext;
  /** The SIEM's container in the site's file, such as `{ name: "siem", ip: "192.168.0.200", ... }`. */
  readonly container: SiteContainer;
  /** The same container as a resource: the step in it is deleted with it. */
  readonly siem: SiemContainer;
  /** The stack's `namespace`, by default "default"; the data stream is then "logs-dhis2-default". */
  readonly namespace: string;
  /** How many days lines are kept. Default: 90. */
  readonly retentionDays: number;
}

/**
 * Creates the ingest pipelines, and the template of the site's data stream with its mappings and retention. A step in the SIEM's
 * container applies a changed template to a stream that already exists.
 */
export class LogStore extends pulumi.ComponentResource {
  /** Its name, such as "logs-dhis2-default". */
  readonly dataStream: string;
  readonly template: elasticstack.ElasticsearchIndexTemplate;

  constructor(name: string, args: LogStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:LogStore", name, {}, opts);
    this.dataStream = dataStreamName(args.namespace);
    const rendered = renderPipelines(args.namespace);
    const pipelines = ingestPipelines(this, name, args.elastic, rendered.logs);
    const made = {
      mappings: stableJson(renderMappings()),
      settings: stableJson({
        index: {
          // The final pipeline: a request could replace the default one (`?pipeline=_none`).
          final_pipeline: rendered.entry,
          number_of_replicas: "0",
          number_of_shards: "1",
        },
      }),
    };
    const retention = `${args.retentionDays}d`;
    this.template = new elasticstack.ElasticsearchIndexTemplate(
      `${name}-template`,
      {
        name: this.dataStream,
        indexPatterns: [this.dataStream],
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
        title: `${this.dataStream} as its template now says`,
        scripts: ["request", "log-stream"],
        values: {
          DATA_STREAM: this.dataStream,
          RETENTION: retention,
          TEMPLATE: sha256(stableJson(made)),
          GENERATION: args.container.generation,
        },
      },
      { parent: this, dependsOn: [this.template], deletedWith: args.siem.command },
    );
    this.registerOutputs({ dataStream: this.dataStream });
  }
}

/** Creates ingest pipelines and returns them. A resource's name is `name`, a hyphen and the pipeline's name. */
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
