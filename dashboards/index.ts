import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "../core/root";
import { collect, readYaml, yamlFiles } from "../core/yaml";
import { dashboardSchema, type Dashboard } from "./schema";

/**
 * Returns every dashboard of a folder, sorted by file name. Throws one Error with all faults of all files, each with its file,
 * line and key.
 */
export function loadDashboards(folder: string = __dirname): Dashboard[] {
  return collect(yamlFiles(folder), (file) => {
    const path = join(folder, file);
    const shown = relative(ROOT, path);
    const id = file.slice(0, -".yml".length);
    return { id, ...readYaml(shown, readFileSync(path, "utf8"), dashboardSchema) };
  });
}
