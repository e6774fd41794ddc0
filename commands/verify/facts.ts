import type { Instance } from "../site/discover";

/** What was asked of something that may not answer: its answer, or in one line why there is none. */
export type ProbeResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** What is there, as it was seen: nothing in it is judged yet. */
export interface Facts {
  /** When, in milliseconds since 1970. */
  readonly now: number;
  readonly instances: readonly Instance[];
  /** By container, for those that run. */
  readonly containers: Readonly<Record<string, ContainerFacts>>;
  readonly elasticsearch: ProbeResult<ElasticsearchFacts>;
  readonly kibana: ProbeResult<KibanaFacts>;
  /** The HTTP status of Kibana's own `/siem/api/status` through the site's proxy. */
  readonly proxy: ProbeResult<number>;
  /** Where the stack delivers alerts. */
  readonly relay?: ProbeResult<RelayFacts>;
}

/** What commands/verify/inside.sh sees in one container. */
export interface ContainerFacts {
  /** By unit, what `systemctl is-active` says. */
  readonly units: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, Package>>;
  /** By path, the SHA-256; undefined where there is no such file. */
  readonly files: Readonly<Record<string, string | undefined>>;
  /** What the sources' own scripts error (sources/NAME/verify.sh): by source, values by key. */
  readonly sources: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** By path, when it ends, in milliseconds since 1970; undefined where it cannot be read. */
  readonly certificates: Readonly<Record<string, number | undefined>>;
  readonly disks: readonly Disk[];
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
  /** By container, when its last line was ingested, in milliseconds since 1970, within the last seven days. */
  readonly lastSeen: Readonly<Record<string, number>>;
  /** API keys named `dhis2-siem-*`. */
  readonly keys: readonly { readonly id: string; readonly name: string; readonly invalidated: boolean }[];
  readonly logs: LogFacts;
  /** What an index of the log stream would be made from. */
  readonly template: SimulatedTemplate;
  /** How long the stream that is there keeps its lines ("" is for ever); undefined where there is none yet. */
  readonly retention?: string;
  readonly actions: FailedActions;
}

/** What rules should have done in the last day and could not. */
export interface FailedActions {
  readonly count: number;
  /** When, in milliseconds since 1970, and what was error. */
  readonly newest: number;
  readonly error: string;
}

export interface LogFacts {
  readonly bytes: number;
  readonly documents: number;
  /** Of the last seven days. */
  readonly recent: number;
  /** The days that `recent` covers, at most seven. */
  readonly days: number;
}

export interface SimulatedTemplate {
  readonly pipeline: string;
  readonly retention: string;
  /** Templates that match too, and lost. */
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
  /** Muted or snoozed: it runs, and does nothing. */
  readonly silenced: boolean;
  /** Ids of its alerts that are muted one by one: nothing is done for them. */
  readonly mutedAlerts: readonly string[];
  /** Kibana's words: "ok", "active", "warning", "error", "pending", "unknown". */
  readonly status: string;
  readonly message: string;
  /** When it ran last, in milliseconds since 1970. */
  readonly ran?: number;
}

export interface RelayFacts {
  /** When it delivered last, in milliseconds since 1970. */
  readonly delivered?: number;
  /** Alerts that could not be delivered yet, and what the destination error of the newest. */
  readonly failing: number;
  readonly error: string;
}
