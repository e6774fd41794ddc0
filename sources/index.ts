import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "../core/root";
import type { Problem } from "../core/problem";
import { shellName, type Source } from "./source";

/** A file of sample lines, and the file with the documents that they become (absolute paths, without the ending). */
export interface Sample {
  readonly name: string;
  readonly lines: string;
  readonly expected: string;
}

/** Returns a source's samples, sorted by name. */
export function samplesOf({ folder }: Source): Sample[] {
  const samples = join(folder, "samples");
  if (!existsSync(samples)) return [];
  return readdirSync(samples)
    .filter((file) => file.endsWith(".log"))
    .sort()
    .map((file) => {
      const name = file.slice(0, -".log".length);
      return { name, lines: join(samples, file), expected: join(samples, `${name}.expected.json`) };
    });
}

/** Returns the problems of sources, of each source and of all together. Reads their folders. */
export function sourceProblems(sources: readonly Source[]): Problem[] {
  return [...sources.flatMap(ownProblems), ...sharedMarks(sources)];
}

function ownProblems(source: Source): Problem[] {
  const { name, folder, service, datasets, pipeline, logging, proxy } = source;
  const problems: Problem[] = [];
  const report = (file: string, path: string, message: string) =>
    problems.push({ file: relative(ROOT, join(folder, file)), path, message });
  if (!/^[a-z][a-z0-9-]*$/.test(name) || folder.split("/").at(-1) !== name) {
    report(
      "index.ts",
      "name",
      `must be the name of its folder, in small letters, digits and hyphens, such as "nginx"`,
    );
  }
  if (datasets.length === 0)
    report("index.ts", "datasets", `must name one at least, such as "${service}.log"`);
  if (pipeline === undefined && !existsSync(join(folder, "pipeline.yml"))) {
    report("pipeline.yml", "", 'must be there, or `pipeline` must name a shared one, such as "web"');
  }
  for (const [what, scripts, functions] of [
    ["logging", logging?.scripts, ["logging_apply", "logging_delete"]],
    ["proxy", proxy?.scripts, ["location_apply", "location_delete"]],
  ] as const) {
    if (scripts === undefined) continue;
    const text = scripts.filter((path) => existsSync(path)).map((path) => readFileSync(path, "utf8"));
    for (const path of scripts.filter((one) => !existsSync(one))) {
      report(
        "index.ts",
        `${what}.scripts`,
        `must be files that are there; there is no ${relative(ROOT, path)}`,
      );
    }
    for (const end of functions) {
      const wanted = `${shellName(source)}_${end}`;
      if (!text.join("\n").includes(`${wanted}()`)) {
        report("index.ts", `${what}.scripts`, `must define the function ${wanted}`);
      }
    }
  }
  return [...problems, ...sampleProblems(source)];
}

/** Returns a problem if a source has no samples, or if their documents do not have exactly the datasets of the source. */
function sampleProblems(source: Source): Problem[] {
  const { folder, service, datasets } = source;
  const samples = samplesOf(source);
  const at = (path: string) => relative(ROOT, path);
  if (samples.length === 0) {
    const message =
      "must hold sample lines of the program, such as samples/access.log (docs/add-a-source.md)";
    return [{ file: at(join(folder, "samples")), path: "", message }];
  }
  const problems: Problem[] = [];
  const written = new Set<string>();
  for (const { name, expected } of samples) {
    if (!existsSync(expected)) {
      const message = `must hold the documents that the lines of ${name}.log become; UPDATE=1 npm test -- pairs writes it`;
      problems.push({ file: at(expected), path: "", message });
      continue;
    }
    const documents = JSON.parse(readFileSync(expected, "utf8")) as Record<string, unknown>[];
    documents.forEach((document, index) => {
      // Samples can contain lines of other sources, to show that they are recognised as such.
      if (document["service.type"] !== service) return;
      const dataset = String(document["event.dataset"]);
      written.add(dataset);
      if (datasets.includes(dataset)) return;
      const message = `must be one of this source's datasets (${datasets.join(", ")}); it is "${dataset}"`;
      problems.push({ file: at(expected), path: `[${index}].event.dataset`, message });
    });
  }
  const unseen = datasets.filter((dataset) => !written.has(dataset));
  if (problems.length === 0 && unseen.length > 0) {
    const message = `must each be that of a sample's document; none is of ${unseen.join(", ")}`;
    problems.push({ file: at(join(folder, "index.ts")), path: "datasets", message });
  }
  return problems;
}

/** Returns a problem for each identifier, prefix or path that two sources share. */
function sharedMarks(sources: readonly Source[]): Problem[] {
  const owners = new Map<string, Source>();
  return sources.flatMap((source) =>
    Object.entries({
      identifiers: Object.keys(source.lines.identifiers ?? {}),
      prefixes: source.lines.prefixes ?? [],
      paths: source.lines.paths ?? [],
    }).flatMap(([kind, marks]) =>
      marks.flatMap((mark): Problem[] => {
        const owner = owners.get(`${kind} ${mark}`);
        owners.set(`${kind} ${mark}`, owner ?? source);
        if (owner === undefined) return [];
        const file = relative(ROOT, join(source.folder, "index.ts"));
        const message = `must be this source's alone; "${mark}" is also one of ${owner.name}`;
        return [{ file, path: `lines.${kind}`, message }];
      }),
    ),
  );
}
