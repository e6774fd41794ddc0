import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Options, SiteContainer } from "../config/site";
import { sha256, stableJson } from "../core/json";
import { KIBANA_PATH, kibanaUrl } from "../render/elastic";
import { renderElasticsearchYml, renderHeapOptions, renderKibanaYml } from "../render/elastic";
import type { Credentials } from "./credentials";
import type { Host } from "./host";
import type { SiemContainer } from "./siem-container";
import type { SiemFirewall } from "./siem-firewall";

export interface ElasticStackArgs {
  /** The LXD host that the remote commands run on. */
  readonly host: Host;
  /** The SIEM's container in the site's file, such as `{ name: "siem", ip: "192.168.0.200", ... }`. */
  readonly container: SiteContainer;
  /** The same container as a resource: its contents are deleted with it. */
  readonly siem: SiemContainer;
  /** The firewall of the servers' ports: its rules exist before the servers. */
  readonly firewall: SiemFirewall;
  /** The version of Elasticsearch and Kibana, such as `{ elastic: "8.19.8" }`. */
  readonly versions: Pick<Options["versions"], "elastic">;
  /** Where Elastic's packages come from: by default Elastic's own repository, with its key. */
  readonly packages: Options["packages"];
  /** Elasticsearch's heap in the JVM's notation, such as "1280m". Default: a part of the container's memory (config/memory.ts). */
  readonly heap: string;
  /** The site's domain, such as "dhis2.example.org". It is part of Kibana's address. */
  readonly fqdn: string;
  /** The passwords and keys of the servers. */
  readonly credentials: Credentials;
}

/**
 * Sets up Elasticsearch and Kibana in the SIEM's container, with three remote commands: the first for their secrets, the second
 * for all the rest (readable in a preview), and the third reads which cluster runs. Its outputs exist once both servers are
 * ready. `identity` changes with the cluster: resources in a cluster are recreated in the next one, and nothing is deleted from
 * the old one.
 */
export class ElasticStack extends pulumi.ComponentResource {
  readonly ca: pulumi.Output<string>;
  /** SHA-256 of the CA's certificate, lower-case hex. */
  readonly caFingerprint: pulumi.Output<string>;
  readonly identity: random.RandomUuid;

  constructor(name: string, args: ElasticStackArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:ElasticStack", name, {}, opts);
    const { host, container, versions, packages, credentials } = args;
    const lifetime = { parent: this, deletedWith: args.siem.command };
    const kept = {
      elastic: credentials.elastic,
      kibana_system: credentials.kibanaSystem,
      key_objects: credentials.kibanaKeys.objects,
      key_reporting: credentials.kibanaKeys.reporting,
      key_security: credentials.kibanaKeys.security,
    };
    const secrets = host.inContainer(
      `${name}-secrets`,
      container.name,
      {
        title: `the servers' passwords and keys in ${container.name}`,
        scripts: ["elastic-secrets"],
        values: { GENERATION: container.generation },
        secrets: kept,
      },
      { ...lifetime, dependsOn: [args.siem.command, args.firewall.command] },
    );
    const command = host.inContainer(
      `${name}-servers`,
      container.name,
      {
        title: `Elasticsearch and Kibana ${versions.elastic} in ${container.name}`,
        scripts: ["packages", "request", "elastic"],
        values: {
          NAME: container.name,
          ADDRESS: container.ip,
          ELASTIC_VERSION: versions.elastic,
          KIBANA_PATH,
          PACKAGES_URL: packages.url,
          PACKAGES_FINGERPRINT: packages.fingerprint,
          // If a secret changes, this step must run again, too. The secrets are random, so this checksum reveals none of them.
          SECRETS_SUM: pulumi.unsecret(pulumi.output(kept)).apply((all) => sha256(stableJson(all))),
          GENERATION: container.generation,
        },
        files: {
          packages_key: packages.key ?? "",
          elasticsearch_yml: renderElasticsearchYml(container.name, container.ip),
          heap_options: renderHeapOptions(args.heap),
          kibana_yml: renderKibanaYml(container.name, container.ip, kibanaUrl(args.fqdn)),
        },
      },
      { ...lifetime, dependsOn: [secrets] },
    );
    // The output of `command` is unknown in a preview each time the command will run again, such as for a new heap size. Then
    // everything in the cluster would look replaced. This step runs again only if the cluster may really be another one: after
    // a change of the host, the container or the generation.
    const known = host.standaloneCommand(
      `${name}-cluster-info`,
      "cluster",
      {
        title: `which cluster runs in ${container.name}`,
        values: {
          LXD_PROJECT: host.lxdProject,
          CONTAINER: container.name,
          GENERATION: container.generation,
        },
      },
      { ...lifetime, dependsOn: [command] },
    );
    const cluster = knownCluster(container.name, command.stdout, known.stdout);
    this.ca = cluster.ca;
    this.caFingerprint = cluster.fingerprint;
    this.identity = new random.RandomUuid(
      `${name}-cluster`,
      { keepers: { cluster: cluster.clusterUuid } },
      { parent: this },
    );
    this.registerOutputs({ caFingerprint: this.caFingerprint });
  }
}

export interface Cluster {
  readonly ca: string;
  readonly fingerprint: string;
  readonly clusterUuid: string;
}

/** Returns the cluster that the stack knows. An update also checks that this cluster runs now. */
export function knownCluster(
  container: string,
  now: pulumi.Output<string>,
  known: pulumi.Output<string>,
): pulumi.Output<Cluster> {
  const parse = (stdout: string) => parseCluster(container, stdout);
  const cluster = known.apply(parse);
  if (pulumi.runtime.isDryRun()) return cluster;
  // A provider may mark the result as secret, because stdin is secret. The script's output is not.
  return pulumi.all([cluster, pulumi.unsecret(now).apply(parse)]).apply(([ours, running]) => {
    if (ours.clusterUuid === running.clusterUuid && ours.ca === running.ca) return ours;
    throw new pulumi.RunError(
      `the cluster in "${container}" is not the one that this stack set up there (it was recreated since): ` +
        `raise the generation of "${container}" in the site's file and run the update again`,
    );
  });
}

/** Returns the first line that elastic.sh and cluster.sh print. The other lines are for `npm run verify`. */
function parseCluster(container: string, stdout: string): Cluster {
  const result = JSON.parse(stdout.split("\n", 1)[0] ?? "") as Record<string, unknown>;
  const text = (key: string): string => {
    const value = result[key];
    if (typeof value === "string" && value !== "") return value;
    throw new pulumi.RunError(
      `the step in "${container}" did not print the ${key} of its cluster: ` +
        `raise the generation of "${container}" in the site's file and run the update again`,
    );
  };
  return { ca: text("ca"), fingerprint: text("fingerprint"), clusterUuid: text("clusterUuid") };
}
