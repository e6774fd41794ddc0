import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Problem } from "../core/problem";
import { ROOT } from "../core/root";
import { yamlFiles } from "../core/yaml";
import { buildDetection } from "./build";
import { conditionsOf, orphanProblem, orphans } from "./conversion";
import type { Condition, Detection } from "./detection";
import { readRuleFile, type RuleFile } from "./file";

export type { Detection } from "./detection";

/** The folder of the project's own rules. */
export const RULES = join(__dirname, "rules");

/** A rule without faults. */
export interface LoadedRule {
  readonly file: RuleFile;
  /** Its conditions as pySigma converted them, by the name of the document. */
  readonly conditions: Readonly<Record<string, Condition>>;
  readonly detection: Detection;
}

/** The valid rules, sorted by name, and the problems of the others. */
export interface Loaded {
  readonly rules: readonly LoadedRule[];
  /** The detections of `rules`, in the same order. */
  readonly detections: readonly Detection[];
  readonly problems: readonly Problem[];
}

/** Returns a path for messages: relative to the project's folder if it is in this folder. */
function shown(path: string): string {
  const fromRoot = relative(ROOT, resolve(path));
  return fromRoot.startsWith("..") ? path : fromRoot;
}

/** Reads the files of a folder, without comparing them with each other. */
function readFolder(folder: string): { files: RuleFile[]; problems: Problem[] } {
  if (!existsSync(folder)) {
    const message = "must be a folder that holds rules, but it does not exist";
    return { files: [], problems: [{ file: shown(folder), path: "", message }] };
  }
  const problems: Problem[] = readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => ({
      file: shown(join(folder, file)),
      path: "",
      message: "must end in .yml, otherwise it is not read",
    }));
  const files = yamlFiles(folder).flatMap((name) => {
    const path = join(folder, name);
    const result = readRuleFile(path, shown(path));
    if (result.ok) return [result.value];
    problems.push(...result.problems);
    return [];
  });
  return { files, problems };
}

/** Returns the files whose name and ids are not used by an earlier file, and the problems of the others. */
function withoutCollisions(files: readonly RuleFile[]): { files: RuleFile[]; problems: Problem[] } {
  const names = new Map<string, string>();
  let ids = new Map<string, string>();
  const problems: Problem[] = [];
  const good = files.filter((file) => {
    const before = problems.length;
    const { path, name, rule, bases, lineOf } = file;
    const taken = new Map(ids);
    const other = names.get(name);
    if (other !== undefined) {
      problems.push({
        file: path,
        path: "",
        message: `must have a name of its own, but ${other} is named ${name} too`,
      });
    }
    for (const document of [rule, ...bases]) {
      if (document.id === undefined) continue;
      const id = document.id.toLowerCase();
      const first = taken.get(id);
      taken.set(id, path);
      if (first === undefined) continue;
      const line = lineOf(document === rule ? "" : (document.name ?? ""), ["id"]);
      problems.push({
        file: path,
        line,
        path: "id",
        message: `must be new, but ${id} is also that of ${first}`,
      });
    }
    if (problems.length > before) return false;
    names.set(name, path);
    ids = taken;
    return true;
  });
  return { files: good, problems };
}

function folders(ownFolder: string | undefined): string[] {
  return ownFolder === undefined || resolve(ownFolder) === RULES ? [RULES] : [RULES, ownFolder];
}

/**
 * Returns the rule files of our folder and of the operator's folder, converted or not, and their problems. If two files have
 * the same name or id, the later one has the problem. Our files come first.
 */
export function readRuleFiles(ownFolder?: string): { files: RuleFile[]; problems: Problem[] } {
  const read = folders(ownFolder).map(readFolder);
  const { files, problems } = withoutCollisions(read.flatMap((folder) => folder.files));
  return { files, problems: [...read.flatMap((folder) => folder.problems), ...problems] };
}

/**
 * Returns all detections of our folder and of the operator's folder. Throws nothing: a file that is faulty or not converted,
 * or whose name or id is used by another file, is reported among the problems and left out.
 */
export function loadDetections(ownFolder?: string): Loaded {
  const { files, problems } = readRuleFiles(ownFolder);
  const rules = files.flatMap((file): LoadedRule[] => {
    const converted = conditionsOf(file);
    if (converted.ok) {
      return [{ file, conditions: converted.value, detection: buildDetection(file, converted.value) }];
    }
    problems.push(...converted.problems);
    return [];
  });
  for (const folder of folders(ownFolder)) {
    problems.push(...orphans(folder).map((file) => orphanProblem(shown(join(folder, file)))));
  }
  const sorted = rules.sort((a, b) => (a.file.name < b.file.name ? -1 : 1));
  // The problems of one file stay together, in their order.
  problems.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
  return { rules: sorted, detections: sorted.map(({ detection }) => detection), problems };
}
