import { apache2 } from "../sources/apache2";
import { dhis2 } from "../sources/dhis2";
import { munin } from "../sources/munin";
import { muninNode } from "../sources/munin-node";
import { nginx } from "../sources/nginx";
import { openresty } from "../sources/openresty";
import { postgresql } from "../sources/postgresql";
import type { Source } from "../sources/source";
import { system } from "../sources/system";

/** A type of machine: what runs on it, and how it is recognised. */
export interface MachineType {
  /** In words, for the docs. */
  readonly title: string;
  /** The programs whose logs its agent reads, in addition to EVERYWHERE. The main program is the first. */
  readonly sources: readonly Source[];
  /** Only for a proxy: its value in the site's file. The main source is then the web server. */
  readonly proxy?: string;
  /** `siem`: the SIEM's own machine. `unwatched`: another machine without an agent. Default: a machine with an agent. */
  readonly role?: "siem" | "unwatched";
  /** How a machine of this type is recognised by `site --discover`. */
  readonly found: {
    /** Recognised by its programs: a pattern for the words of `Source.installed` and `installed`. */
    readonly by: RegExp;
    /** Recognised by its name, in lower case, if `site` cannot see its programs. */
    readonly name?: RegExp;
    /** Whether machines of other types often have such a name too. Then the patterns of other types are tried first. */
    readonly nameIsWeak?: boolean;
  };
  /** Paths of programs that are not sources, as in `Source.installed`. */
  readonly installed?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Every type of machine, by its name in the site's file. Everything else is derived from these entries. The order matters for
 * `site --discover`, which takes the first type that matches: a machine with DHIS2 and a proxy is of type dhis2, and a Munin
 * monitor has apache2 too.
 */
export const MACHINES = {
  dhis2: {
    title: "a DHIS2 instance in Tomcat",
    sources: [dhis2],
    found: { by: /^(dhis2|tomcat)$/, name: /dhis|hmis/, nameIsWeak: true },
  },
  es_siem: {
    title: "the SIEM itself",
    sources: [],
    role: "siem",
    found: { by: /^elasticsearch$/, name: /siem|elastic/ },
    installed: { elasticsearch: ["/usr/share/elasticsearch"] },
  },
  postgres12: {
    title: "PostgreSQL 12, as older versions of dhis2-tools-dab list it",
    sources: [postgresql],
    found: { by: /^postgres12$/ },
  },
  postgres: {
    title: "PostgreSQL",
    sources: [postgresql],
    found: { by: /^postgres\d+$/, name: /postgres|^pg|^db/ },
  },
  munin_monitor: {
    title: "Munin, with apache2 for its pages",
    sources: [munin, apache2],
    found: { by: /^munin$/, name: /munin|monitor/ },
  },
  nginx_proxy: {
    title: "nginx as the site's proxy",
    sources: [nginx],
    proxy: "nginx",
    found: { by: /^nginx$/, name: /nginx/ },
  },
  apache_proxy: {
    title: "apache2 as the site's proxy",
    sources: [apache2],
    proxy: "apache2",
    found: { by: /^apache2$/, name: /apache/ },
  },
  openresty_proxy: {
    title: "openresty as the site's proxy",
    sources: [openresty],
    proxy: "openresty",
    found: { by: /^openresty$/, name: /openresty/ },
  },
  journal_logger: {
    title: "a receiver of other machines' journals",
    sources: [],
    role: "unwatched",
    found: { by: /^journal-remote$/, name: /^log|journal/ },
    installed: {
      "journal-remote": ["/etc/systemd/system/sockets.target.wants/systemd-journal-remote.socket"],
    },
  },
} as const satisfies Readonly<Record<string, MachineType>>;

/** The sources of every machine with an agent. */
export const EVERYWHERE: readonly Source[] = [system, muninNode];

export type MachineTypeName = keyof typeof MACHINES;

/** The names of all types, in the table's order. */
export const MACHINE_TYPES = Object.keys(MACHINES) as [MachineTypeName, ...MachineTypeName[]];

/** Returns a type's entry. */
export function machineType(name: MachineTypeName): MachineType {
  return MACHINES[name];
}

type ProxyOf<T> = T extends { readonly proxy: infer P } ? P : never;

/** The values of `proxy` in a site's file. */
export type ProxyProgram = ProxyOf<(typeof MACHINES)[MachineTypeName]>;

/** The types that can be a site's proxy, by their value in the site's file. */
export const PROXIES = Object.fromEntries(
  MACHINE_TYPES.flatMap((name) => {
    const { proxy } = machineType(name);
    return proxy === undefined ? [] : [[proxy, name]];
  }),
) as Readonly<Record<ProxyProgram, MachineTypeName>>;

export const PROXY_PROGRAMS = Object.keys(PROXIES) as [ProxyProgram, ...ProxyProgram[]];

/** Returns the sources of a machine of this type, the main one first. Empty if such a machine has no agent. */
export function sourcesOf(name: MachineTypeName): readonly Source[] {
  const { sources, role } = machineType(name);
  return role === undefined ? [...sources, ...EVERYWHERE] : [];
}

/** Every source that some machine has, sorted by name. */
export const SOURCES: readonly Source[] = [...new Set(MACHINE_TYPES.flatMap(sourcesOf))].sort((a, b) =>
  a.name < b.name ? -1 : 1,
);
