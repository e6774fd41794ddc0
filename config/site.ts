/** A site and a stack's options as plain, checked data. Nothing outside `config/` parses input. */

import type { MachineTypeName, ProxyKind } from "../machines";
import type { Delivery } from "./delivery";

export interface SiteContainer {
  readonly name: string;
  readonly ip: string;
  readonly type: MachineTypeName;
  /** Raised by hand to run everything for this container again. */
  readonly generation: number;
  readonly guestosVersion?: string;
}

export interface Site {
  readonly fqdn: string;
  readonly email: string;
  readonly timezone: string;
  readonly network: { readonly cidr: string; readonly gateway: string; readonly prefix: number };
  /** All containers, sorted by name. */
  readonly containers: readonly SiteContainer[];
  readonly siem: SiteContainer;
  /** The same object as in `containers` and `agents`. */
  readonly proxy: SiteContainer & { readonly kind: ProxyKind };
  /** Those that get an agent (`role` in machines/). */
  readonly agents: readonly SiteContainer[];
}

/** An SSH server with its key pinned. */
export interface SshHost {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** As OpenSSH writes it in a `.pub` file: type and base64 key. */
  readonly hostKey: string;
}

export interface Options {
  readonly host: SshHost & { readonly bastion?: SshHost };
  readonly access: "forward" | "direct";
  readonly forward: { readonly elasticsearchPort: number; readonly kibanaPort: number };
  readonly lxdProject: string;
  readonly namespace: string;
  readonly siem: {
    readonly image: string;
    /** LXD's notation, for example 4GiB. */
    readonly memory: string;
    readonly disk?: string;
    /** The JVM's notation, for example 1024m. */
    readonly heap: string;
    readonly protect: boolean;
  };
  readonly versions: { readonly elastic: string; readonly filebeat: string };
  readonly packages: {
    readonly url: string;
    readonly key?: string;
    readonly fingerprint: string;
    readonly pip: string;
  };
  readonly retentionDays: number;
  /** CIDRs from which Kibana may be opened; none: the site's own network. */
  readonly kibana: { readonly allowFrom: readonly string[] };
  /** What the site changes about a detection, by its name or id. */
  readonly detections: Readonly<Record<string, { readonly enabled?: boolean; readonly threshold?: number }>>;
  /** A folder of the site's own rules, from the project's folder. */
  readonly detectionsFolder?: string;
  /** How alerts reach people. Its secrets are beside it. */
  readonly delivery: Delivery;
}

/** DHIS2 instances, which `containers.json` may not list. */
export interface DhisInstance {
  readonly name: string;
  readonly ip: string;
  readonly generation: number;
}
