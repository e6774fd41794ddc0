import * as pulumi from "@pulumi/pulumi";
import type { remote } from "@pulumi/command";
import type { SiteContainer } from "../config/site";
import { type FirewallSources, renderFirewall } from "../render/firewall";
import type { Host } from "./host";
import type { SiemContainer } from "./siem-container";

export interface SiemFirewallArgs {
  /** The LXD host that the remote commands run on. */
  readonly host: Host;
  /** The SIEM's container in the site's file, such as `{ name: "siem", ip: "192.168.0.200", ... }`. */
  readonly container: SiteContainer;
  /** The same container as a resource: the rules are deleted with it. */
  readonly siem: SiemContainer;
  /** Who may reach its ports, such as `{ elasticsearch: ["192.168.0.2"], kibana: ["192.168.0.2"], networks: [] }`. */
  readonly sources: FirewallSources;
}

/**
 * Sets up the rules that close Elasticsearch's and Kibana's ports to all but the site's machines, the proxy and the forward. The
 * rules are in the SIEM's own container; nothing on the host or in another container changes.
 */
export class SiemFirewall extends pulumi.ComponentResource {
  readonly command: remote.Command;

  constructor(name: string, args: SiemFirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:SiemFirewall", name, {}, opts);
    const { host, container, siem, sources } = args;
    this.command = host.inContainer(
      `${name}-rules`,
      container.name,
      {
        title: `who may reach the SIEM's ports in ${container.name}`,
        scripts: ["packages", "firewall"],
        values: { GENERATION: container.generation },
        files: { firewall: renderFirewall(sources) },
      },
      { parent: this, deletedWith: siem.command, dependsOn: [siem.command] },
    );
    this.registerOutputs({});
  }
}
