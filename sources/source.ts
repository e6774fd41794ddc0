/**
 * A source is a program whose log is read. All that the SIEM knows of it stands in its folder: `index.ts` (a `Source`),
 * the shell that sets up its logging, its pipeline, and samples with the documents that they become.
 */

/** What journald says of the process behind an identifier. */
export interface Identifier {
  /** The systemd unit that it logs from. Default: the identifier itself, with ".service". */
  readonly unit?: string;
  /**
   * The file names of the programs that may log under this identifier. A line of another program is not read as this
   * source's, as any process may call itself what it likes. Leave it out where the identifier is not proven.
   */
  readonly programs?: readonly string[];
}

/** What tells that a line is this source's. No two sources may share an identifier, a prefix or a path. */
export interface LineMarks {
  /** Journal identifiers (SYSLOG_IDENTIFIER). */
  readonly identifiers?: Readonly<Record<string, Identifier>>;
  /** How an identifier or a unit begins, such as "tomcat" for "tomcat9". */
  readonly prefixes?: readonly string[];
  /** A part of the path of a log in a file, such as "/nginx/". The longest part that fits wins. */
  readonly paths?: readonly string[];
  /** On the machine whose main source this is (the first in machines/), these are its lines, too. */
  readonly onItsMachine?: {
    /** Words in an identifier or a unit. */
    readonly words: readonly string[];
    /** Whether all logs in files that no other source knows are its own. */
    readonly files: boolean;
  };
}

/**
 * How the program is told to log, and how that is taken back. The scripts define two functions, `NAME_logging_apply` and
 * `NAME_logging_delete`, where NAME is the source's name with _ for -. They run after scripts/lib.sh, as root, on the machine.
 */
export interface Logging {
  /** Shell files, in the order in which they are read. Absolute paths. */
  readonly scripts: readonly string[];
  /** The program's settings: what the script gets from `file_NAME_logging`. Leave it out where it needs none. */
  readonly settings?: string;
  /** In words for people, such as "journal with nginx". Default: the journal alone. */
  readonly shown?: string;
}

/** What Kibana's location in a proxy is made of. */
export interface KibanaLocation {
  /** Kibana's path behind the proxy, such as "/siem". */
  readonly path: string;
  /** Kibana's IPv4 address and port, such as "10.0.3.200:5601". */
  readonly address: string;
  /** Kibana's name in its certificate. */
  readonly certificateName: string;
  /** Who may open Kibana: networks in CIDR notation. */
  readonly allowFrom: readonly string[];
}

/**
 * What a web server needs to be a site's proxy. The script defines `NAME_location_apply` and `NAME_location_delete`; it runs
 * after the logging's scripts, with the values FQDN and the files `file_location` and `file_ca`.
 */
export interface ProxyServer {
  /** Shell files, read after those of the logging. Absolute paths. */
  readonly scripts: readonly string[];
  /** Kibana's location as the server's own configuration. */
  readonly renderLocation: (location: KibanaLocation) => string;
  /** Where the script puts it. */
  readonly locationPath: string;
  /** The systemd unit. */
  readonly unit: string;
}

/** What `verify` looks at on a machine beside what it asks of every one. */
export interface SourceCheck {
  /** A shell file. It says facts with `say NAME KEY VALUE`, where NAME is the source's name. It changes nothing. Absolute path. */
  readonly script: string;
  /** What is wrong, one sentence each, from what the script said (value by key). */
  readonly faults: (facts: Readonly<Record<string, string>>) => readonly string[];
  /** What to say where nothing is wrong. */
  readonly good: string;
}

export interface Source {
  /** The name of its folder. */
  readonly name: string;
  /** Its name for people, such as "PostgreSQL". */
  readonly title: string;
  /** Its folder: `__dirname`. */
  readonly folder: string;
  /** `service.type` of its documents, as Elastic names the program: "nginx", "apache". */
  readonly service: string;
  /** Every value of `event.dataset` that its documents may have. */
  readonly datasets: readonly string[];
  /**
   * The pipeline that reads its lines. Default: its own, `pipeline.yml` in its folder. Else the name of one that several
   * sources share: a file of pipelines/, or another source that has one.
   */
  readonly pipeline?: string;
  readonly lines: LineMarks;
  /** Logs in files that the agent reads beside the journal. Absolute paths, which may hold "*". */
  readonly files?: readonly string[];
  /**
   * How the names of rolled logs end, as globs that few names match, such as [".[0-9]"]: whoever owns the folder can make a file
   * of every such name, and the agent opens them all. Default: [".1"], as logrotate names the newest one.
   */
  readonly rolled?: readonly string[];
  readonly logging?: Logging;
  readonly proxy?: ProxyServer;
  /**
   * How the program is found on a machine: a word, and the paths of which one must be there. A "*" in the word stands for
   * what "*" stands for in the path: "postgres*" with "/usr/lib/postgresql/VERSION/bin/postgres" ("*" for VERSION) gives "postgres15".
   */
  readonly installed?: Readonly<Record<string, readonly string[]>>;
  readonly verify?: SourceCheck;
}

/** A source's name as a word of bash. */
export function shellName({ name }: Pick<Source, "name">): string {
  return name.replaceAll("-", "_");
}
