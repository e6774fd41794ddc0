/**
 * A source is a program whose log is read. Its folder has everything that the SIEM knows about it: `index.ts` (a `Source`), the
 * shell scripts that set up its logging, its pipeline, and sample lines with the documents that the pipeline makes from them.
 */

/** The process that logs under an identifier of the journal. */
export interface Identifier {
  /** The systemd unit that it logs from. Default: the identifier itself, with ".service". */
  readonly unit?: string;
  /**
   * The file names of the programs that may log under this identifier. A line of another program does not count as a line of
   * this source, because any process can choose any identifier. Default: every program.
   */
  readonly programs?: readonly string[];
}

/** How the lines of a source are recognised. Two sources must not share an identifier, a prefix or a path. */
export interface LineMarks {
  /** Journal identifiers (SYSLOG_IDENTIFIER). */
  readonly identifiers?: Readonly<Record<string, Identifier>>;
  /** Prefixes of an identifier or a unit, such as "tomcat" for "tomcat9". */
  readonly prefixes?: readonly string[];
  /** Parts of a log file's path, such as "/nginx/". If several sources match, the longest part wins. */
  readonly paths?: readonly string[];
  /** Further lines of this source, on machines whose main source it is (the first one in machines/). */
  readonly onItsMachine?: {
    /** Words that an identifier or a unit contains. */
    readonly words: readonly string[];
    /** Whether every log file that matches no other source belongs to this one. */
    readonly files: boolean;
  };
}

/**
 * How the program's logging is set up and removed. The scripts define two functions, `NAME_logging_apply` and
 * `NAME_logging_delete`, where NAME is the source's name with _ for -. They run after scripts/lib.sh, as root, on the machine.
 */
export interface Logging {
  /** Shell files, in the order in which they are read. Absolute paths. */
  readonly scripts: readonly string[];
  /** The program's settings, which the script reads with `file_NAME_logging`. Default: none. */
  readonly settings?: string;
  /** In words for people, such as "journal with nginx". Default: the journal alone. */
  readonly shown?: string;
}

/** The values of Kibana's location in a proxy. */
export interface KibanaLocation {
  /** Kibana's path behind the proxy, such as "/siem". */
  readonly path: string;
  /** Kibana's IPv4 address and port, such as "10.0.3.200:5601". */
  readonly address: string;
  /** Kibana's name in its certificate. */
  readonly certificateName: string;
  /** Who may open Kibana: networks in CIDR notation. */
  readonly allowFrom: readonly string[];
  /** Addresses that may not, though one of these networks holds them. */
  readonly denyFrom: readonly string[];
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

/** What `verify` checks on a machine with this source, in addition to the checks of every machine. */
export interface SourceCheck {
  /** The absolute path of a shell file. It prints facts with `say NAME KEY VALUE`, where NAME is the source's name, and changes nothing. */
  readonly script: string;
  /** Returns a sentence for each fault, from the script's facts (values by key). */
  readonly faults: (facts: Readonly<Record<string, string>>) => readonly string[];
  /** The text to print if there is no fault. */
  readonly good: string;
}

/** A program whose log is read. */
export interface Source {
  /** The name of its folder. */
  readonly name: string;
  /** Its name for people, such as "PostgreSQL". */
  readonly title: string;
  /** Its folder: `__dirname`. */
  readonly folder: string;
  /** `service.type` of its documents: Elastic's name of the program, such as "nginx" or "apache". */
  readonly service: string;
  /** Every value that `event.dataset` of its documents can have. */
  readonly datasets: readonly string[];
  /**
   * The name of a pipeline that several sources share: a file of pipelines/, or another source with a pipeline. Default: the
   * source's own pipeline, `pipeline.yml` in its folder.
   */
  readonly pipeline?: string;
  readonly lines: LineMarks;
  /** Log files that the agent reads in addition to the journal. Absolute paths, which can contain "*". */
  readonly files?: readonly string[];
  /**
   * The endings of rolled logs' names, as globs, such as [".[0-9]"]. Only few names may match, because the folder's owner can
   * create a file of each such name, and the agent opens them all. Default: [".1"], logrotate's name of the newest one.
   */
  readonly rolled?: readonly string[];
  readonly logging?: Logging;
  readonly proxy?: ProxyServer;
  /**
   * How the program is found on a machine: a word, and paths of which at least one must exist. A "*" in the word is replaced by
   * the text that "*" matches in the path: "postgres*" and "/usr/lib/postgresql/VERSION/bin/postgres" ("*" for VERSION) give "postgres15".
   */
  readonly installed?: Readonly<Record<string, readonly string[]>>;
  readonly verify?: SourceCheck;
}

/** Returns a source's name as part of a bash function's name: with _ for -. */
export function shellName({ name }: Pick<Source, "name">): string {
  return name.replaceAll("-", "_");
}
