import type { KibanaClients } from "./kibana-clients";
import type { Instance } from "../site/discover";

/** The answer of something that may not answer, or the error in one line. */
export type ProbeResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** The observed facts of a site; the checks judge them. */
export interface Facts {
  /** The time of the observation, in milliseconds since 1970. */
  readonly now: number;
  readonly instances: readonly Instance[];
  /** By container name; only containers that run. */
  readonly containers: Readonly<Record<string, ContainerFacts>>;
  readonly elasticsearch: ProbeResult<ElasticsearchFacts>;
  readonly kibana: ProbeResult<KibanaFacts>;
  /** The HTTP status of Kibana's own `/siem/api/status` through the site's proxy. */
  readonly proxy: ProbeResult<number>;
  /** Who was let in to Kibana from outside, and whether the proxy sees its clients' addresses. */
  readonly kibanaClients: ProbeResult<KibanaClients>;
  /** Only if the stack has a relay. */
  readonly relay?: ProbeResult<RelayFacts>;
}

/** The facts about one container, from commands/verify/inside.sh. */
export interface ContainerFacts {
  /** By unit, the output of `systemctl is-active`, such as "active". */
  readonly units: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, Package>>;
  /** By path, the SHA-256 in hex; undefined if the file does not exist. */
  readonly files: Readonly<Record<string, string | undefined>>;
  /** The output of the sources' own scripts (sources/NAME/verify.sh): by source, values by key. */
  readonly sources: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** By path, the end of its validity in milliseconds since 1970; undefined if the certificate cannot be read. */
  readonly certificates: Readonly<Record<string, number | undefined>>;
  readonly disks: readonly Disk[];
  /** Who may reach the SIEM's ports; only of the SIEM's own container. */
  readonly firewall?: FirewallFacts;
}

/** What nftables has in the SIEM's container. */
export interface FirewallFacts {
  /** The addresses that may reach Elasticsearch. */
  readonly elasticsearch: readonly string[];
  readonly kibana: readonly string[];
  /** Networks that may reach both; nft joins adjacent networks. */
  readonly networks: readonly string[];
  /** The rule that rejects everybody else, as nft prints it; empty if it is not loaded. */
  readonly reject: string;
}

export interface Package {
  readonly version: string;
  /** Held against upgrades. */
  readonly held: boolean;
}

/** A mounted file system, in bytes. */
export interface Disk {
  readonly mount: string;
  readonly size: number;
  readonly free: number;
}

export interface ElasticsearchFacts {
  readonly version: string;
  /** By container, the time of its last ingested line in milliseconds since 1970; only lines of the last seven days. */
  readonly lastSeen: Readonly<Record<string, number>>;
  /** API keys named `dhis2-siem-*`. */
  readonly keys: readonly {
    readonly id: string;
    readonly name: string;
    readonly invalidated: boolean;
    /** When it ends, in milliseconds since 1970; a key without an end has none. */
    readonly expiration?: number;
  }[];
  readonly logs: LogFacts;
  /** The settings that the log stream's next index would get. */
  readonly template: SimulatedTemplate;
  /** The retention of the existing stream, such as "90d" ("" is for ever); undefined if there is no stream yet. */
  readonly retention?: string;
  readonly actions: FailedActions;
}

/** Actions of rules that failed in the last day. */
export interface FailedActions {
  readonly count: number;
  /** The time of the newest failure, in milliseconds since 1970 (0 if there is none), and its error. */
  readonly newest: number;
  readonly error: string;
}

export interface LogFacts {
  readonly bytes: number;
  readonly documents: number;
  /** The number of documents of the last seven days. */
  readonly recent: number;
  /** The days that `recent` covers, at most seven. */
  readonly days: number;
}

export interface SimulatedTemplate {
  readonly pipeline: string;
  readonly retention: string;
  /** Templates that match too, with a lower priority. */
  readonly losers: readonly string[];
}

export interface KibanaFacts {
  readonly version: string;
  /** "available", "degraded", "unavailable" or "critical". */
  readonly level: string;
  readonly rules: readonly RuleFacts[];
}

export interface RuleFacts {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Muted or snoozed: the rule runs, but its actions do not. */
  readonly silenced: boolean;
  /** Ids of its alerts that are muted individually: no action runs for them. */
  readonly mutedAlerts: readonly string[];
  /** Kibana's own value: "ok", "active", "warning", "error", "pending", "unknown". */
  readonly status: string;
  readonly message: string;
  /** The time of its last run, in milliseconds since 1970. */
  readonly ran?: number;
}

export interface RelayFacts {
  /** The time of its last delivery, in milliseconds since 1970. */
  readonly delivered?: number;
  /** The number of alerts whose delivery failed so far, and the destination's error for the newest. */
  readonly failing: number;
  readonly error: string;
}
