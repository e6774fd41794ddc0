import { utils } from "ssh2";
import { z } from "zod";
import { generation, hostName, ipv4 } from "./containers-json";
import { deliverySchema, deliverySecretsSchema } from "./delivery";
import { count, serverName, wholeNumber } from "../core/values";

/** Elastic's own apt repository and the fingerprint of its signing key. */
const ELASTIC_PACKAGES = {
  url: "https://artifacts.elastic.co/packages",
  fingerprint: "46095ACC8548582C1A2699A9D27D666CD88E42B4",
};

const PIP_INDEX = "https://pypi.org/simple";

/** Versions that were tried together. */
const VERSIONS = { elastic: "8.19.8", filebeat: "8.19.8" };

const port = count(1, 65535);
const flag = z.union(
  [z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")],
  "must be true or false",
);

const version = (line: RegExp, example: string) =>
  z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, { abort: true, error: `is no exact version, such as ${example}` })
    .regex(line, `is a version that is not supported; use one such as ${example}`);

/** Where packages come from. No login in it: apt's list may be read by everybody, and pip's errors show it. */
const source = (what: string, example: string) =>
  z
    .string()
    .regex(/^https?:\/\/[A-Za-z0-9[][^\s@]*$/, `is no URL of a ${what} (without a login), such as ${example}`)
    .transform((url) => url.replace(/\/+$/, ""));

const hostKey = z
  .string()
  .transform((text) => text.trim().split(/\s+/).slice(0, 2).join(" "))
  .refine(
    isPublicKey,
    'is no host key; take the line in the server\'s /etc/ssh/ssh_host_ed25519_key.pub, such as "ssh-ed25519 AAAA..."',
  )
  // The command provider would ask for the key's own type, which for RSA is signed with SHA-1: OpenSSH has refused that since 8.8.
  .refine(
    (text) => !text.startsWith("ssh-rsa "),
    "is an RSA key, which cannot be used here; take the line in the server's /etc/ssh/ssh_host_ed25519_key.pub",
  );

const user = z.string().regex(/^[a-z_][a-z0-9_-]*\$?$/i, "is no login name");
const size = z.string().regex(/^[1-9]\d{0,8}(MiB|GiB|TiB)$/, "is no size, such as 4GiB");
const heap = z.string().regex(/^[1-9]\d{0,8}[mg]$/, "is no heap size, such as 1024m or 2g");

/** Every key of the stack's config, without its namespace. */
export const stackShape = {
  site: z.string().min(1, "is empty; it must be the path of containers.json"),
  host: serverName,
  port: port.default(22),
  user,
  hostKey,
  privateKey: z
    .string()
    .includes("PRIVATE KEY-----", { error: "is no private key; it must be the whole text of its file" })
    .optional(),
  bastion: z.strictObject({ host: serverName, port: port.default(22), user, hostKey }).optional(),
  access: z.enum(["forward", "direct"]).default("forward"),
  forward: z
    .strictObject({ elasticsearchPort: port.default(19200), kibanaPort: port.default(15601) })
    .prefault({}),
  lxdProject: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "is no name of an LXD project")
    .default("default"),
  namespace: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9_.]{0,99}$/,
      "is no namespace; use lower-case letters, digits, _ and ., at most 100",
    )
    .default("default"),
  siem: z
    .strictObject({
      image: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/, "is no image, such as ubuntu:24.04")
        .default("ubuntu:24.04"),
      memory: size.default("4GiB"),
      disk: size.optional(),
      heap: heap.optional(),
      protect: flag.default(true),
    })
    .prefault({}),
  versions: z
    .strictObject({
      elastic: version(/^8\.19\./, "8.19.8").default(VERSIONS.elastic),
      filebeat: version(/^(7\.17|8\.19)\./, "8.19.8 or 7.17.29").default(VERSIONS.filebeat),
    })
    .prefault({}),
  packages: z
    .strictObject({
      url: source("repository", "https://mirror.example.org/packages").default(ELASTIC_PACKAGES.url),
      key: z
        .string()
        .includes("BEGIN PGP PUBLIC KEY BLOCK", { error: "is no armoured public key" })
        .optional(),
      fingerprint: z
        .string()
        .transform((text) => text.replace(/\s/g, "").toUpperCase())
        .refine((text) => /^[0-9A-F]{40}$/.test(text), "is no full fingerprint; it must have 40 hex digits")
        .default(ELASTIC_PACKAGES.fingerprint),
      // What the relay is installed from.
      pip: source("pip index", PIP_INDEX).default(PIP_INDEX),
    })
    .prefault({}),
  retentionDays: count(1, 3650).default(90),
  kibana: z
    .strictObject({ allowFrom: z.array(z.cidrv4("is no network, such as 192.168.0.0/24")).default([]) })
    .prefault({}),
  detections: z
    .record(
      z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9_-]*$/,
          "is no detection's name or id; npm run -s detections -- list shows them",
        ),
      z.strictObject({ enabled: flag.optional(), threshold: count(1, 1_000_000).optional() }),
    )
    .default({}),
  detectionsFolder: z.string().min(1, "is empty; it must be a folder of rules").optional(),
  delivery: deliverySchema,
  deliverySecrets: deliverySecretsSchema,
  dhis2: z
    .array(
      z.strictObject({
        name: hostName,
        ip: ipv4,
        generation: wholeNumber.pipe(generation).default(1),
      }),
    )
    .default([]),
  withoutDhis2: flag.default(false),
};

/** The stack's config: every key, strict. */
export const stackSchema = z.strictObject(stackShape);

/** Keys whose values are objects or lists; Pulumi hands them over as JSON. */
export const STRUCTURED: ReadonlySet<string> = new Set([
  "bastion",
  "forward",
  "siem",
  "versions",
  "packages",
  "kibana",
  "detections",
  "delivery",
  "deliverySecrets",
  "dhis2",
]);

/** The keys that may stand at a path of the config. */
export function stackKeys([key, ...rest]: readonly PropertyKey[]): readonly string[] {
  if (key === undefined) return Object.keys(stackShape);
  return innerKeys(stackShape[key as keyof typeof stackShape], rest);
}

/** The keys of what stands at a path of a value, or of a list's parts; of a choice, those of all that it may be. */
function innerKeys(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  const [key, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (key === undefined) return Object.keys(schema.shape);
    return innerKeys((schema.shape as Record<PropertyKey, unknown>)[key], rest);
  }
  if (schema instanceof z.ZodRecord) return key === undefined ? [] : innerKeys(schema.valueType, rest);
  if (schema instanceof z.ZodArray) return innerKeys(schema.element, rest);
  if (schema instanceof z.ZodUnion) {
    return [...new Set(schema.options.flatMap((option) => innerKeys(option, path)))];
  }
  if (schema instanceof z.ZodPipe) return innerKeys(schema.out, path);
  const wrapped =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return wrapped ? innerKeys(schema.unwrap(), path) : [];
}

function isPublicKey(text: string): boolean {
  const key = utils.parseKey(text);
  return !(key instanceof Error) && !key.isPrivateKey();
}
