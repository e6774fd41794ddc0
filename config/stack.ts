import { utils } from "ssh2";
import { z } from "zod";
import { hostName, ipv4 } from "./containers-json";
import { deliverySchema, deliverySecretsSchema } from "./delivery";
import { kibanaSchema } from "./kibana";
import { keysAt } from "../core/schema-keys";
import { flag, serverName, textLike, wholeNumber } from "../core/values";

/**
 * Elastic's own apt repository, and the fingerprint of its signing key
 * (https://artifacts.elastic.co/GPG-KEY-elasticsearch).
 */
const ELASTIC_PACKAGES = {
  url: "https://artifacts.elastic.co/packages",
  fingerprint: "46095ACC8548582C1A2699A9D27D666CD88E42B4",
};

const SITE_MESSAGE =
  "must be the path of the site's file, from the project's folder, such as containers.json";
const PIP_INDEX = "https://pypi.org/simple";

/** The value of `siem.disk` that means: no limit. */
export const NO_DISK_LIMIT = "none";

/** Versions that were tested together. */
const VERSIONS = { elastic: "8.19.8", filebeat: "8.19.8" };

const port = wholeNumber(1, 65535);

/** A URL that packages come from, without a login: apt's list is readable by every user, and pip prints the URL in errors. */
const packagesUrl = (what: string, example: string) =>
  textLike(
    /^https?:\/\/[A-Za-z0-9[][^\s@]*$/,
    `must be the URL of a ${what} without a login, such as ${example}`,
  ).transform((url) => url.replace(/\/+$/, ""));

const HOST_KEY_FILE = "the line in the server's /etc/ssh/ssh_host_ed25519_key.pub";
const HOST_KEY_MESSAGE = `must be the server's public key, such as "ssh-ed25519 AAAA..."; copy ${HOST_KEY_FILE}`;
const hostKey = z
  .string(HOST_KEY_MESSAGE)
  .transform((text) => text.trim().split(/\s+/).slice(0, 2).join(" "))
  .refine(isPublicKey, HOST_KEY_MESSAGE)
  // The command provider would ask for the key's own type, which for RSA is signed with SHA-1: OpenSSH has refused that since 8.8.
  .refine(
    (text) => !text.startsWith("ssh-rsa "),
    `must not be an RSA key, which is not supported; copy ${HOST_KEY_FILE}`,
  );

const user = textLike(/^[a-z_][a-z0-9_-]*\$?$/i, "must be a login name, such as siem");
const size = textLike(/^[1-9]\d{0,8}(MiB|GiB|TiB)$/, "must be a size in MiB, GiB or TiB, such as 4GiB");

const SMALL_NETWORK_MESSAGE = "must be a network of at most 65536 addresses (/16), such as 10.8.0.0/24";
/** A network of machines that somebody knows, and not half of the internet. */
const smallNetwork = z
  .string(SMALL_NETWORK_MESSAGE)
  .refine(
    (text) => z.cidrv4().safeParse(text).success && Number(text.split("/")[1]) >= 16,
    SMALL_NETWORK_MESSAGE,
  );

const FINGERPRINT_MESSAGE = `must be a key's full fingerprint of 40 hex digits, such as ${ELASTIC_PACKAGES.fingerprint}`;

/** Every key of the stack's config, without its namespace. The values are those of `pulumi config`. */
export const stackShape = {
  /** The path of the site's file, from the project's folder. Required. Example: `containers.json`. */
  site: z.string(SITE_MESSAGE).min(1, SITE_MESSAGE),

  /** The SSH server of the LXD host: name or IP address. Required. Example: `dhis2.example.org`. */
  host: serverName,
  /** Its port. Default: 22. */
  port: port.default(22),
  /** The login name on the host; it can run `sudo -n`. Required. Example: `siem`. */
  user,
  /** The host's public SSH key: its type and the base64 text. Required. Example: `ssh-ed25519 AAAA...`. */
  hostKey,
  /** The SSH private key to log in with, encrypted; the whole text of its file. Default: the SSH agent's keys. */
  privateKey: textLike(
    /PRIVATE KEY-----/,
    "must be an SSH private key: the whole text of its file, such as ~/.ssh/id_ed25519",
  ).optional(),
  /** An SSH server between this machine and the host, with the keys of the host. Default: none. Login: `privateKey`. */
  bastion: z.strictObject({ host: serverName, port: port.default(22), user, hostKey }).optional(),
  /**
   * `forward`: Elasticsearch and Kibana are reached through SSH. `direct`: at the container's address. Default: `forward`.
   */
  access: z.enum(["forward", "direct"]).default("forward"),
  /** For `access: forward`: two ports on 127.0.0.1 of this machine, another pair for each stack. */
  forward: z
    .strictObject({
      /** Default: 19200. */
      elasticsearchPort: port.default(19200),
      /** Default: 15601. */
      kibanaPort: port.default(15601),
    })
    .prefault({}),

  /** The LXD project that has the site's containers. Default: `default`. */
  lxdProject: textLike(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    "must be the name of an LXD project, such as default",
  ).default("default"),
  /** The last part of the data stream's and the alert index's name. Fixed after the first update. Default: `default`. */
  namespace: textLike(
    /^[a-z0-9][a-z0-9_.]{0,99}$/,
    "must be at most 100 lower-case letters, digits, _ and ., such as default",
  ).default("default"),

  /** The SIEM's container. */
  siem: z
    .strictObject({
      /** The image that LXD creates it from. Default: `ubuntu:24.04`. */
      image: textLike(
        /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/,
        "must be an image of LXD, such as ubuntu:24.04",
      ).default("ubuntu:24.04"),
      /** The limit of its memory, in LXD's notation. Default: `4GiB`. */
      memory: size.default("4GiB"),
      /** The limit of its CPU, in cores. Default: 2. */
      cpu: wholeNumber(
        1,
        512,
        "must be a whole number of cores from 1 to 512 (Elasticsearch and Kibana need one), such as 2",
      ).default(2),
      /** The limit of its disk, in LXD's notation; `none` for no limit. Default: `50GiB`. */
      disk: textLike(
        /^([1-9]\d{0,8}(MiB|GiB|TiB)|none)$/,
        "must be a size in MiB, GiB or TiB, such as 50GiB, or none",
      ).default("50GiB"),
      /** The heap of Elasticsearch, in the JVM's notation. Default: what `memory` allows, see memory.ts. Example: `1024m`. */
      heap: textLike(/^[1-9]\d{0,8}[mg]$/, "must be a heap size in m or g, such as 1024m or 2g").optional(),
      /** Whether Pulumi refuses to delete it. Default: true. */
      protect: flag.default(true),
      /**
       * Networks, beside the site's machines, from which the ports of Elasticsearch and Kibana can be reached. Required with
       * `access: direct`. Default: none. Example: `[10.8.0.0/24]`.
       */
      allowFrom: z.array(smallNetwork, "must be a list of networks, such as [10.8.0.0/24]").default([]),
    })
    .prefault({}),

  /** The versions of Elastic's packages. */
  versions: z
    .strictObject({
      /** Elasticsearch and Kibana. Default: `8.19.8`. */
      elastic: textLike(
        /^8\.19\.\d+$/,
        "must be an exact version of the 8.19 series, such as 8.19.8",
      ).default(VERSIONS.elastic),
      /** All agents. 7.17 is for containers with an old systemd. Default: `8.19.8`. */
      filebeat: textLike(
        /^(7\.17|8\.19)\.\d+$/,
        "must be an exact version of the 8.19 or 7.17 series, such as 8.19.8 or 7.17.29",
      ).default(VERSIONS.filebeat),
    })
    .prefault({}),

  /** Where the containers download packages. */
  packages: z
    .strictObject({
      /** The folder above `8.x/apt` and `7.x/apt`. Default: Elastic's. Example: `https://mirror.example.org/packages`. */
      url: packagesUrl("package repository", "https://mirror.example.org/packages").default(
        ELASTIC_PACKAGES.url,
      ),
      /** The text of the repository's signing key. Default: downloaded from `url`. */
      key: textLike(
        /BEGIN PGP PUBLIC KEY BLOCK/,
        "must be the text of a PGP public key, which begins with -----BEGIN PGP PUBLIC KEY BLOCK-----",
      ).optional(),
      /** The signing key's fingerprint; spaces and lower case are accepted. Default: that of Elastic's key. */
      fingerprint: z
        .string(FINGERPRINT_MESSAGE)
        .transform((text) => text.replace(/\s/g, "").toUpperCase())
        .refine((text) => /^[0-9A-F]{40}$/.test(text), FINGERPRINT_MESSAGE)
        .default(ELASTIC_PACKAGES.fingerprint),
      /** The pip index that the relay is installed from. Default: `https://pypi.org/simple`. */
      pip: packagesUrl("pip index", PIP_INDEX).default(PIP_INDEX),
    })
    .prefault({}),

  /** How many days logs are kept, those that are there included. Default: 90. */
  retentionDays: wholeNumber(1, 3650).default(90),

  /** Who can open Kibana (see kibana.ts). */
  kibana: kibanaSchema,

  /** Accounts of people, besides the operator's. */
  accounts: z
    .strictObject({
      /** Whether there is an account `engineer` that may change rules in Kibana. Default: false. */
      engineer: flag.default(false),
    })
    .prefault({}),

  /** Changes to detections, by name or id. Default: none. Example: `{dhis2_impersonation: {enabled: false}}`. */
  detections: z
    .record(
      textLike(
        /^[a-z0-9][a-z0-9_-]*$/,
        "must be the name or id of a detection, such as dhis2_impersonation; npm run -s detections -- list shows them",
      ),
      z.strictObject({
        /** Whether the detection runs. Default: true. */
        enabled: flag.optional(),
        /** From how many events on it raises an alert. Default: that of the rule. */
        threshold: wholeNumber(1, 1_000_000).optional(),
      }),
    )
    .default({}),
  /** A folder of the site's own rules, from the project's folder. Default: none. Example: `rules`. */
  detectionsFolder: z.string().min(1, "must be the path of a folder of rules, such as rules").optional(),

  /** How alerts reach people (see delivery.ts). Default: they are only in Kibana. */
  delivery: deliverySchema,
  /** The destinations' secrets by their names, encrypted (see delivery.ts). Default: none. */
  deliverySecrets: deliverySecretsSchema,

  /** DHIS2 instances that the site's file does not list. Default: none. Example: `[{name: hmis, ip: 192.168.0.11}]`. */
  dhis2: z
    .array(
      z.strictObject({
        /** The container's name. */
        name: hostName,
        /** Its address in the site's network. */
        ip: ipv4,
        /** Raised by hand to run all steps of the container again. Default: 1. */
        generation: wholeNumber(1, 999_999_999).default(1),
      }),
    )
    .default([]),
  /** Whether the site has no DHIS2 instance on purpose. Default: false: an instance is required. */
  withoutDhis2: flag.default(false),
};

/** The schema of the stack's config. Unknown keys are faults. */
export const stackSchema = z.strictObject(stackShape);

/** The keys whose values are objects or lists: Pulumi gives them as JSON. */
export const STRUCTURED_KEYS: ReadonlySet<string> = new Set([
  "bastion",
  "forward",
  "siem",
  "versions",
  "packages",
  "kibana",
  "accounts",
  "detections",
  "delivery",
  "deliverySecrets",
  "dhis2",
]);

/** Returns the keys that are valid at a path of the stack's config. */
export function stackKeysAt([key, ...rest]: readonly PropertyKey[]): readonly string[] {
  if (key === undefined) return Object.keys(stackShape);
  return keysAt(stackShape[key as keyof typeof stackShape], rest);
}

function isPublicKey(text: string): boolean {
  const key = utils.parseKey(text);
  return !(key instanceof Error) && !key.isPrivateKey();
}
