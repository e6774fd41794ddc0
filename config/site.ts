/** The site and the stack's options as checked data. Only `config/` parses input. */

import type { MachineTypeName, ProxyProgram } from "../machines";
import type { Delivery } from "./delivery";

/** A container of the site. */
export interface SiteContainer {
  readonly name: string;
  /** Its IPv4 address. */
  readonly ip: string;
  readonly type: MachineTypeName;
  /** Raised by hand to run all steps of the container again. */
  readonly generation: number;
  /** The container's release of Ubuntu, such as 22.04, if the site's file has it. */
  readonly guestosVersion?: string;
}

/** What the site's file describes, with the DHIS2 instances of the stack's config. */
export interface Site {
  readonly fqdn: string;
  readonly email: string;
  /** An IANA name, such as Africa/Accra. */
  readonly timezone: string;
  /** Of the containers; `cidr` is the network itself, such as 192.168.0.0/24. */
  readonly network: { readonly cidr: string; readonly gateway: string; readonly prefix: number };
  /** All containers, sorted by name. */
  readonly containers: readonly SiteContainer[];
  readonly siem: SiteContainer;
  /** The same object as in `containers` and `agents`; `program` is its web server. */
  readonly proxy: SiteContainer & { readonly program: ProxyProgram };
  /** The containers that get an agent (`role` in machines/). */
  readonly agents: readonly SiteContainer[];
}

/** An SSH server and the key that it must have. */
export interface SshHost {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Type and base64 text, as in a `.pub` file of OpenSSH. */
  readonly hostKey: string;
}

/** The stack's options; each key is explained in stack.ts. The secrets are not in here. */
export interface Options {
  readonly host: SshHost & { readonly bastion?: SshHost };
  readonly access: "forward" | "direct";
  readonly forward: { readonly elasticsearchPort: number; readonly kibanaPort: number };
  readonly lxdProject: string;
  readonly namespace: string;
  readonly siem: {
    readonly image: string;
    /** In LXD's notation, such as 4GiB. */
    readonly memory: string;
    /** In cores. */
    readonly cpu: number;
    /** In LXD's notation; undefined if it is not limited. */
    readonly disk?: string;
    /** In the JVM's notation, such as 1024m. */
    readonly heap: string;
    readonly protect: boolean;
    /** Further networks (CIDR) that can reach Elasticsearch's and Kibana's ports. */
    readonly allowFrom: readonly string[];
  };
  readonly versions: { readonly elastic: string; readonly filebeat: string };
  readonly packages: {
    readonly url: string;
    readonly key?: string;
    readonly fingerprint: string;
    readonly pip: string;
  };
  readonly retentionDays: number;
  readonly kibana: {
    /** Networks (CIDR) from which Kibana can be opened. If the list is empty: the site's own network. */
    readonly allowFrom: readonly string[];
    /** Consent to networks that hold the whole internet. */
    readonly allowEveryone: boolean;
  };
  /** Accounts of people besides the operator's, and whether the site has them. */
  readonly accounts: { readonly engineer: boolean };
  /** The site's changes to detections, by name or id. */
  readonly detections: Readonly<Record<string, { readonly enabled?: boolean; readonly threshold?: number }>>;
  /** The path of a folder with the site's own rules, from the project's folder. */
  readonly detectionsFolder?: string;
  /** How alerts reach people. */
  readonly delivery: Delivery;
}

/** A DHIS2 instance that the site's file does not list. */
export interface DhisInstance {
  readonly name: string;
  readonly ip: string;
  readonly generation: number;
}
