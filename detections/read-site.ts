import { resolve } from "node:path";
import type { LineOf } from "../config/load";
import type { Options, Site } from "../config/site";
import { NAMESPACE } from "../config/stack-file";
import { printPath, type Result } from "../core/problem";
import type { Detection } from "./detection";
import { loadDetections } from "./index";
import { forSite, settingFaults, unknownRules } from "./settings";

/** The stack's file as messages name it, and the lines of its keys where they are known. */
export interface ConfigFile {
  readonly file: string;
  readonly lineOf?: LineOf;
}

/**
 * The detections as a site runs them: ours and its own folder's (its path starts at `root`), with its settings; or all that
 * is wrong with rules and settings.
 */
export function readSiteDetections(
  root: string,
  { agents }: Pick<Site, "agents">,
  {
    detectionsFolder,
    detections: settings,
    delivery,
  }: Pick<Options, "detectionsFolder" | "detections" | "delivery">,
  { file, lineOf }: ConfigFile,
): Result<Detection[]> {
  const loaded = loadDetections(detectionsFolder === undefined ? undefined : resolve(root, detectionsFolder));
  // A setting for a rule that is broken is no fault of the setting.
  if (loaded.problems.length > 0) return { ok: false, problems: loaded.problems };
  const faults = settingFaults(loaded.detections, settings);
  const detections = faults.length > 0 ? [] : forSite(loaded.detections, agents, settings);
  if (faults.length === 0) faults.push(...unknownRules(delivery, detections));
  const problems = faults.map(({ path, message }) => ({
    file,
    line: lineOf?.(path),
    path: NAMESPACE + printPath(path),
    message,
  }));
  return problems.length === 0 ? { ok: true, value: detections } : { ok: false, problems };
}
