import { resolve } from "node:path";
import { RunError } from "@pulumi/pulumi";
import type { Options, Site } from "../config/site";
import { errorText } from "../core/errors";
import type { Detection } from "./detection";
import { loadDetections } from "./index";
import { forSite, unknownRules } from "./settings";

/**
 * The detections as a site runs them: ours and its own folder's (its path starts at `root`), with its settings. Throws a
 * `pulumi.RunError`, which is shown without a stack trace, where a rule or a setting has a fault.
 */
export function siteDetections(root: string, site: Site, options: Options): Detection[] {
  try {
    const own = options.detectionsFolder === undefined ? undefined : resolve(root, options.detectionsFolder);
    const detections = forSite(loadDetections(own), site.agents, options.detections);
    const unknown = unknownRules(options.delivery, detections);
    if (unknown.length > 0) throw new Error(unknown.join("\n"));
    return detections;
  } catch (error) {
    throw new RunError(errorText(error));
  }
}
