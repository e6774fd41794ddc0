import { getStack } from "@pulumi/pulumi";
import { inputError } from "../config/pulumi";
import type { Options, Site } from "../config/site";
import type { Detection } from "./detection";
import { readSiteDetections } from "./read-site";

/**
 * Returns the detections of the current stack's site. Throws a `pulumi.RunError` with all problems of the rules and the
 * settings.
 */
export function siteDetections(root: string, site: Site, options: Options): Detection[] {
  const result = readSiteDetections(root, site, options, { file: `Pulumi.${getStack()}.yaml` });
  if (!result.ok) throw inputError(result.problems);
  return result.value;
}
