import * as pulumi from "@pulumi/pulumi";
import type { remote } from "@pulumi/command";
import type { Options, SiteContainer } from "../config/site";
import type { Host } from "./host";

export interface SiemContainerArgs {
  /** The LXD host that the remote commands run on. */
  readonly host: Host;
  /** The SIEM's container in the site's file, such as `{ name: "siem", ip: "192.168.0.200", ... }`. */
  readonly container: SiteContainer;
  /** Its image, by default "ubuntu:24.04"; its limits, such as a memory of "4GiB" and a CPU of 2 cores; and whether it is protected, by default yes. */
  readonly options: Pick<Options["siem"], "image" | "memory" | "cpu" | "disk" | "protect">;
}

/** Creates the SIEM's LXD container, or takes over one that exists. It is protected, and if it must be replaced, it is deleted first. */
export class SiemContainer extends pulumi.ComponentResource {
  readonly command: remote.Command;

  constructor(name: string, args: SiemContainerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:SiemContainer", name, {}, opts);
    const { host, container, options } = args;
    this.command = host.onHost(
      `${name}-container`,
      {
        title: `the container ${container.name}`,
        scripts: ["lxd", "container"],
        values: {
          LXD_PROJECT: host.lxdProject,
          CONTAINER: container.name,
          IMAGE: options.image,
          ADDRESS: container.ip,
          MEMORY: options.memory,
          CPU: options.cpu,
          DISK: options.disk ?? "",
          GENERATION: container.generation,
        },
      },
      // A container with another name is another container.
      {
        parent: this,
        protect: options.protect,
        deleteBeforeReplace: true,
        replacementTrigger: container.name,
      },
    );
    this.registerOutputs({ address: container.ip });
  }
}
