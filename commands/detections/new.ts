import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { ROOT } from "../../core/root";
import { RULES } from "../../detections";

const SCHEMA = join(ROOT, "detections/rule.schema.json");

/** The type of a new rule: about single events, or about a count of events. */
export type Skeleton = "event" | "count";

/** Returns the text of a new rule for a folder: every key, with a description of what to write there. */
export function skeleton(kind: Skeleton, folder: string, name: string, id: string): string {
  const values: Record<string, string> = { NAME: name, ID: id, SCHEMA: relative(resolve(folder), SCHEMA) };
  return readFileSync(join(__dirname, "skeletons", `${kind}.yml`), "utf8").replace(
    /NEW_(NAME|ID|SCHEMA)/g,
    (_, key: string) => values[key] ?? "",
  );
}

/** Writes a new rule with a new id, and returns its path. Throws an Error if the name is invalid or a file of this name exists. */
export function writeNewRule(kind: Skeleton, name: string, folder: string = RULES): string {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) {
    throw new Error(
      `${name}: a rule's name must be small letters, digits and underscores, such as dhis2_mass_deletion`,
    );
  }
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.yml`);
  try {
    writeFileSync(path, skeleton(kind, folder, name, randomUUID()), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Error(`${path} is there already; a new rule must have a name of its own`);
  }
  return path;
}
