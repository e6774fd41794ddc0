import { getStack } from "@pulumi/pulumi";
import { inputError } from "../config/pulumi";
import type { Options, Site } from "../config/site";
import type { Detection } from "./detection";
import { readSiteDetections } from "./read-site";

/**
 * The detections as Pulumi's program runs them for a site. Throws a `pulumi.RunError` with all that is wrong with the rules
 * and the settings, before anything is touched.
 */
export function siteDetections(root: string, site: Site, options: Options): Detection[] {
  const result = readSiteDetections(root, site, options, { file: `Pulumi.${getStack()}.yaml` });
  if (!result.ok) throw inputError(result.problems);
  return result.value;
}
