import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Returns the paths of all files under a folder whose names have this ending, sorted. */
export function findFiles(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}
