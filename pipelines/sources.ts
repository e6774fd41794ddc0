import { join } from "node:path";
import { EVERYWHERE, MACHINE_TYPES, SOURCES, sourcesOf } from "../machines";

/** A pipeline's name, and the absolute path of its file. */
export interface PipelineFile {
  readonly name: string;
  readonly file: string;
}

/** Returns a pipeline of this folder. */
export function shared(name: string): PipelineFile {
  return { name, file: join(__dirname, `${name}.yml`) };
}

/** Returns the pipelines of the sources, each once, sorted by name. */
export function sourcePipelines(): PipelineFile[] {
  const own = SOURCES.filter(({ pipeline }) => pipeline === undefined);
  const names = new Set(SOURCES.map(({ name, pipeline = name }) => pipeline));
  return [...names].sort().map((name) => {
    const source = own.find((one) => one.name === name);
    return source === undefined ? shared(name) : { name, file: join(source.folder, "pipeline.yml") };
  });
}

/** Returns the params with which scripts/normalise.painless finds a line's source. */
export function sourceParams(): object {
  const byLength = (a: string, b: string) => b.length - a.length || (a < b ? -1 : 1);
  const marks = (of: "paths" | "prefixes") =>
    SOURCES.flatMap(({ name, lines }) => (lines[of] ?? []).map((mark) => [mark, name] as const)).sort(
      ([a], [b]) => byLength(a, b),
    );
  return {
    sources: Object.fromEntries(
      SOURCES.map(({ name, service, pipeline = name }) => [name, { service, pipeline }]),
    ),
    identifiers: Object.fromEntries(
      SOURCES.flatMap(({ name, lines }) =>
        Object.entries(lines.identifiers ?? {}).map(([identifier, { programs }]) => [
          identifier,
          { source: name, ...(programs === undefined ? {} : { programs }) },
        ]),
      ),
    ),
    paths: marks("paths").map(([part, source]) => ({ part, source })),
    prefixes: marks("prefixes").map(([prefix, source]) => ({ prefix, source })),
    // The sources of which a machine's key may write lines: those of its type. The SIEM's own key writes the system's only.
    allowed: Object.fromEntries(
      MACHINE_TYPES.map((type) => {
        const sources = sourcesOf(type);
        return [type, (sources.length > 0 ? sources : EVERYWHERE).map(({ name }) => name)];
      }),
    ),
    machines: Object.fromEntries(
      MACHINE_TYPES.flatMap((type) => {
        const [main] = sourcesOf(type);
        const own = main?.lines.onItsMachine;
        return main === undefined || own === undefined ? [] : [[type, { source: main.name, ...own }]];
      }),
    ),
  };
}
