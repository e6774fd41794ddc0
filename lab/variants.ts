import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAB_STATE, SITE_TEMPLATE, withAddresses } from "./places";

export interface SiteText {
  proxy: string;
  containers: { name: string; ip?: string; type?: string; generation?: number }[];
}

/** Writes the lab's site with changes into a file in the lab's state, and returns its path. */
export function siteVariant(name: string, change: (site: SiteText) => void): string {
  const site = JSON.parse(withAddresses(readFileSync(SITE_TEMPLATE, "utf8"))) as SiteText;
  change(site);
  const folder = join(LAB_STATE, "sites");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(site, undefined, 2));
  return file;
}
