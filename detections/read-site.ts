import { resolve } from "node:path";
import type { LineOf } from "../config/load";
import type { Options, Site } from "../config/site";
import { NAMESPACE } from "../config/stack-file";
import { printPath, type Result } from "../core/problem";
import type { Detection } from "./detection";
import { loadDetections } from "./index";
import { forSite, settingFaults, unknownRules } from "./settings";

/** The name of the stack's file for messages, and a function that returns the line of a key, if the lines are known. */
export interface ConfigFile {
  readonly file: string;
  readonly lineOf?: LineOf;
}

/**
 * Returns the detections of a site, ours and those of its own folder, with its settings applied; or all problems of the
 * rules and settings.
 * @param root the folder that a relative path of the site's own folder starts from
 */
export function readSiteDetections(
  root: string,
  { agents, siem }: Pick<Site, "agents" | "siem">,
  {
    detectionsFolder,
    detections: settings,
    delivery,
  }: Pick<Options, "detectionsFolder" | "detections" | "delivery">,
  { file, lineOf }: ConfigFile,
): Result<Detection[]> {
  const loaded = loadDetections(detectionsFolder === undefined ? undefined : resolve(root, detectionsFolder));
  // Settings are checked only if all rules are valid: a setting may belong to a faulty rule.
  if (loaded.problems.length > 0) return { ok: false, problems: loaded.problems };
  const faults = settingFaults(loaded.detections, settings);
  const detections = faults.length > 0 ? [] : forSite(loaded.detections, [...agents, siem], settings);
  if (faults.length === 0) faults.push(...unknownRules(delivery, detections));
  const problems = faults.map(({ path, message }) => ({
    file,
    line: lineOf?.(path),
    path: NAMESPACE + printPath(path),
    message,
  }));
  return problems.length === 0 ? { ok: true, value: detections } : { ok: false, problems };
}
