import { z } from "zod";
import { textLike } from "../core/values";
import { MACHINE_TYPES, PROXY_PROGRAMS } from "../machines";

/** The schema of a container's name: both LXD and DNS (RFC 1123) must accept it. */
export const hostName = textLike(
  /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i,
  "must be a host name of letters, digits and hyphens, such as dhis-2 (63 at most, first a letter, last no hyphen)",
);

/** The schema of an IPv4 address without a prefix. */
export const ipv4 = z.ipv4("must be an IPv4 address, such as 192.168.0.2");

const fqdn = textLike(
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i,
  "must be a full domain name, such as dhis2.example.org",
);

const TIMEZONE_MESSAGE = "must be a time zone, such as Africa/Accra";
const timezone = z.string(TIMEZONE_MESSAGE).refine(isTimezone, TIMEZONE_MESSAGE);

const NETWORK_MESSAGE = "must be the gateway's address and the network's prefix, such as 192.168.0.1/24";
const network = z
  .cidrv4({ abort: true, error: NETWORK_MESSAGE })
  .refine(
    (text) => prefixOf(text) >= 8 && prefixOf(text) <= 30,
    "must have a prefix from 8 to 30, such as 192.168.0.1/24",
  );

const GENERATION_MESSAGE = "must be a whole number of 1 or more, such as 2";
/** The schema of an entry's generation: raising it runs all steps of the container again. */
export const generation = z.int(GENERATION_MESSAGE).min(1, GENERATION_MESSAGE);

const release = z.string('must be a release of Ubuntu in quotes, such as "22.04"').optional();

/** An entry of `containers.json`. */
export const containerSchema = z.strictObject({
  /** The container's name in LXD, such as `postgres`. */
  name: hostName,
  /** Its address in the site's network, such as `192.168.0.20`. */
  ip: ipv4,
  /** One of the machine types (`machines/`), such as `postgres`. */
  type: z.enum(MACHINE_TYPES),
  /** For dhis2-tools-dab: the container's release of Ubuntu. Default: that of the site. */
  guestos_version: release,
  /** For dhis2-tools-dab: the host of the container, if it is another host. Not supported: reported if it is set. */
  remote_host: z.string().optional(),
  /** For dhis2-tools-dab, and ignored here. */
  storage: z.string("must be the name of a storage pool, such as default").optional(),
  /** For dhis2-tools-dab, and ignored here. */
  directory: z.string("must be the path of a folder, such as /var/lib/dhis2").optional(),
  /** Raised by hand to run all steps of the container again. Default: 1. */
  generation: generation.default(1),
});

/** `containers.json` of dhis2-tools-dab, extended by entries of type `dhis2` and by `generation`. */
export const siteSchema = z.strictObject({
  /** The site's name in DNS, such as `dhis2.example.org`. */
  fqdn,
  /** The administrator's address, such as `admin@example.org`. */
  email: z.email("must be an e-mail address, such as admin@example.org"),
  environment: z.strictObject({
    /** The site's time zone, such as `Africa/Accra`. */
    TZ: timezone,
  }),
  /** The address of LXD's bridge and the prefix of its network, such as `192.168.0.1/24`. */
  network,
  /** For dhis2-tools-dab, and ignored here. */
  monitoring: z.string("must be the name of a monitoring program, such as munin").optional(),
  /** For dhis2-tools-dab, and ignored here. */
  apm: z.string("must be the name of a performance monitor, such as glowroot").optional(),
  /** The program of the proxy's container, such as `nginx`. */
  proxy: z.enum(PROXY_PROGRAMS),
  /** For dhis2-tools-dab: the containers' release of Ubuntu, such as `"22.04"`. */
  guestos_version: release,
  containers: z.array(containerSchema),
});

/** A `containers.json` that fits the schema. */
export type SiteFile = z.infer<typeof siteSchema>;

/** Returns the keys that are valid at a path of `containers.json`. */
export function siteKeysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(siteSchema.shape);
  return path[0] === "containers" ? Object.keys(containerSchema.shape) : ["TZ"];
}

function prefixOf(cidr: string): number {
  return Number(cidr.split("/")[1]);
}

/**
 * Returns whether a container accepts this name of a time zone. Offsets such as +01:00 are not names: only Intl accepts
 * them.
 */
function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return /^[A-Z]/i.test(name);
  } catch {
    return false;
  }
}
