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
  /** The SIEM's container as the site's file has it, such as `{ name: "siem", ip: "192.168.0.200", ... }`. */
  readonly container: SiteContainer;
  /** The same container as a resource: what is in it goes with it. */
  readonly siem: SiemContainer;
  /** Who may reach the servers' ports: the rules are there before the servers. */
  readonly firewall: SiemFirewall;
  /** The version of Elasticsearch and Kibana, such as `{ elastic: "8.19.8" }`. */
  readonly versions: Pick<Options["versions"], "elastic">;
  /** Where Elastic's packages come from: by default Elastic's own repository, with its key. */
  readonly packages: Options["packages"];
  /** Elasticsearch's heap as the JVM writes it, such as "1280m"; by default a part of the container's memory (config/memory.ts). */
  readonly heap: string;
  /** The site's domain, such as "dhis2.example.org": Kibana's address is made of it. */
  readonly fqdn: string;
  /** The passwords and keys that the servers are given. */
  readonly credentials: Credentials;
}

/**
 * Elasticsearch and Kibana in the SIEM's container: their secrets (one remote command), all the rest (another, readable in
 * a preview), and which cluster it is (a third). Its outputs exist once both servers say they are ready. `identity` changes with the cluster: what lives in
 * a cluster is made anew in the next one, without deleting what went with the old one.
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
          // Other secrets are a change of this step, too. All of them are random: their sum tells nothing of any.
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
    // What `command` prints is unknown in a preview whenever it will run again, for a heap as for a new version of a
    // script, and then all that lives in the cluster would look replaced. This one runs again only where the cluster
    // may really be another: with another host, container or generation.
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

/** The cluster that the stack knows. An update also sees that it is the one that runs now. */
export function knownCluster(
  container: string,
  now: pulumi.Output<string>,
  known: pulumi.Output<string>,
): pulumi.Output<Cluster> {
  const parse = (stdout: string) => parseCluster(container, stdout);
  const cluster = known.apply(parse);
  if (pulumi.runtime.isDryRun()) return cluster;
  // A provider may mark the result secret as stdin is; what the script prints is none.
  return pulumi.all([cluster, pulumi.unsecret(now).apply(parse)]).apply(([ours, running]) => {
    if (ours.clusterUuid === running.clusterUuid && ours.ca === running.ca) return ours;
    throw new pulumi.RunError(
      `the cluster in "${container}" is not the one that this stack set up there (it was recreated since): ` +
        `raise the generation of "${container}" in the site's file and run the update again`,
    );
  });
}

/** The first line that elastic.sh and cluster.sh print; those after it are for `npm run verify`. */
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
