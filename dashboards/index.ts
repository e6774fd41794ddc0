import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { readYaml } from "../config/readYaml";
import { dashboardSchema, type Dashboard } from "./schema";

/**
 * Every dashboard of a folder, in the order of their files' names. Throws one Error with all faults of all files,
 * each with its file, line and key.
 */
export function loadDashboards(folder: string = __dirname): Dashboard[] {
  const faults: string[] = [];
  const dashboards = readdirSync(folder)
    .filter((file) => file.endsWith(".yml"))
    .sort()
    .flatMap((file): Dashboard[] => {
      const path = join(folder, file);
      try {
        const shown = relative(resolve(__dirname, ".."), path);
        return [
          {
            id: file.slice(0, -".yml".length),
            ...readYaml(shown, readFileSync(path, "utf8"), dashboardSchema),
          },
        ];
      } catch (error) {
        faults.push(error instanceof Error ? error.message : String(error));
        return [];
      }
    });
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return dashboards;
}
