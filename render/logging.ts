import type { MachineTypeName } from "../machines";
import { sourcesOf } from "../machines";
import { sourceScript, type SourceScript } from "../scripts";
import { shellName } from "../sources/source";

/** The values, files and scripts that set up a machine's logging, so that its programs log where the agent reads. */
export interface LoggingStep {
  readonly scripts: readonly SourceScript[];
  /** See scripts/agent.sh. */
  readonly values: { readonly SOURCES: string; readonly PROXY: string };
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Returns the logging of a machine of this type. The operating system's logging comes first.
 * @param location Kibana's location (`renderLocation`), if the machine is the site's proxy
 */
export function renderLogging(type: MachineTypeName, location?: string): LoggingStep {
  const [main] = sourcesOf(type);
  const proxy = location === undefined ? undefined : main?.proxy;
  const logging = sourcesOf(type)
    .filter((source) => source.logging !== undefined)
    .sort((a, b) => Number(b.name === "system") - Number(a.name === "system"));
  const paths = [...logging.flatMap((source) => source.logging?.scripts ?? []), ...(proxy?.scripts ?? [])];
  return {
    scripts: [...new Set(paths.map(sourceScript))],
    values: {
      SOURCES: logging.map(shellName).join(" "),
      PROXY: proxy === undefined || main === undefined ? "" : shellName(main),
    },
    files: {
      ...Object.fromEntries(
        logging.flatMap((source) =>
          source.logging?.settings === undefined
            ? []
            : [[`${shellName(source)}_logging`, source.logging.settings]],
        ),
      ),
      ...(location === undefined ? {} : { location }),
    },
  };
}

/** Returns in words the logs that a machine's agent reads: the journal, with the programs that are set up to log there, and files. */
export function describeLogs(type: MachineTypeName): string {
  const sources = sourcesOf(type);
  const inJournal = sources.filter(
    ({ name, logging }) => logging?.settings !== undefined && name !== "system",
  );
  const journal =
    inJournal.length > 0 ? `journal with ${inJournal.map(({ name }) => name).join(", ")}` : "journal";
  return [journal, ...sources.flatMap(({ files = [] }) => files)].join("; ");
}
