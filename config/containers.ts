import { z } from "zod";
import { CONTAINER_TYPES } from "./site";

/** A container's name as LXD and DNS both take it. */
export const hostName = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i,
    "is no host name; use letters, digits and hyphens, at most 63, a letter first and no hyphen last",
  );

export const ipv4 = z.ipv4("is no IPv4 address, such as 192.168.0.2");

export const fqdn = z
  .string()
  .regex(
    /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i,
    "is no full domain name, such as dhis2.example.org",
  );

const timezone = z.string().refine(isTimezone, 'is no time zone, such as "Africa/Accra"');

/** Gateway and prefix, as dhis2-tools-dab writes them: 192.168.0.1/24. */
export const network = z
  .string()
  .regex(
    /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/,
    "is no network in the form GATEWAY/PREFIX, such as 192.168.0.1/24",
  )
  .refine(
    (text) => z.cidrv4().safeParse(text).success,
    "is no network in the form GATEWAY/PREFIX, such as 192.168.0.1/24",
  );

export const generation = z.int("must be a whole number").min(1, "must be 1 or more");

export const containerSchema = z.strictObject({
  name: hostName,
  ip: ipv4,
  type: z.enum(CONTAINER_TYPES),
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
  proxy: z.enum(["nginx", "apache2"]),
  guestos_version: z.string().optional(),
  containers: z.array(containerSchema).min(1, "is empty"),
});

export type SiteFile = z.infer<typeof siteSchema>;

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
