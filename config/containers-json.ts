import { z } from "zod";
import { MACHINE_TYPES, PROXY_KINDS } from "../machines";

/** A container's name as LXD and DNS (RFC 1123) both take it. */
export const hostName = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i,
    "is no host name; use letters, digits and hyphens, at most 63, a letter first and no hyphen last",
  );

export const ipv4 = z.ipv4("is no IPv4 address, such as 192.168.0.2");

const fqdn = z
  .string()
  .regex(
    /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i,
    "is no full domain name, such as dhis2.example.org",
  );

const timezone = z.string().refine(isTimezone, 'is no time zone, such as "Africa/Accra"');

/** Gateway and prefix, as dhis2-tools-dab hands them to LXD. */
const network = z
  .cidrv4({ abort: true, error: "is no network in the form GATEWAY/PREFIX, such as 192.168.0.1/24" })
  .refine(
    (text) => prefixOf(text) >= 8 && prefixOf(text) <= 30,
    "has a prefix that leaves no network of containers; use one from 8 to 30, such as 192.168.0.1/24",
  );

/** A whole number from 1; raised by hand to run everything for a container again. */
export const generation = z.int().min(1, "must be 1 or more");

export const containerSchema = z.strictObject({
  name: hostName,
  ip: ipv4,
  type: z.enum(MACHINE_TYPES),
  guestos_version: z.string().optional(),
  remote_host: z.string().optional(),
  storage: z.string().optional(),
  directory: z.string().optional(),
  generation: generation.default(1),
});

/** `containers.json` as dhis2-tools-dab has it, with entries of type `dhis2` and a `generation` beside. */
export const siteSchema = z.strictObject({
  fqdn,
  email: z.email("is no e-mail address, such as admin@example.org"),
  environment: z.strictObject({ TZ: timezone }),
  network,
  monitoring: z.string().optional(),
  apm: z.string().optional(),
  proxy: z.enum(PROXY_KINDS),
  guestos_version: z.string().optional(),
  containers: z.array(containerSchema),
});

export type SiteFile = z.infer<typeof siteSchema>;

/** The keys that may stand at a path of the file. */
export function siteKeys(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(siteSchema.shape);
  return path[0] === "containers" ? Object.keys(containerSchema.shape) : ["TZ"];
}

function prefixOf(cidr: string): number {
  return Number(cidr.split("/")[1]);
}

/** Offsets such as +01:00, which newer versions of Intl take, are none to a container. */
function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return /^[A-Z]/i.test(name);
  } catch {
    return false;
  }
}
