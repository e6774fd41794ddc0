import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { keystorePath, readKeystore } from "./keystore";
import { check, isObject, type Json } from "./words";

const secretKey = z.string().min(32);
const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
/** Settings that change nothing here, but that Kibana knows. */
const other = z.unknown().optional();

const server = z
  .strictObject({
    host: z.string().default("localhost"),
    port: z.number().default(5601),
    name: z.string().default("kibana"),
    basePath: z
      .string()
      .regex(/^$|^\/.*[^/]$/, "must start with a slash, don't end with one")
      .default(""),
    rewriteBasePath: z.boolean().default(false),
    publicBaseUrl: z.url("[publicBaseUrl]: expected URI").optional(),
    maxPayload: z.number().default(1048576),
    ssl: z
      .strictObject({
        enabled: z.boolean().default(false),
        certificate: z.string().optional(),
        key: z.string().optional(),
      })
      .refine(
        (ssl) => !ssl.enabled || (ssl.certificate && ssl.key),
        "must specify [certificate] and [key] -- when ssl is enabled",
      )
      .prefault({}),
  })
  .refine(
    (value) => value.basePath || !value.rewriteBasePath,
    "cannot use [rewriteBasePath] when [basePath] is not specified",
  )
  .superRefine(({ publicBaseUrl, basePath }, context) => {
    if (publicBaseUrl === undefined || !URL.canParse(publicBaseUrl)) return;
    const path = new URL(publicBaseUrl).pathname;
    if (publicBaseUrl.endsWith("/"))
      context.addIssue("[publicBaseUrl] cannot contain a trailing slash, hash or query string");
    else if (path !== (basePath || "/"))
      context.addIssue(`[publicBaseUrl] must contain the [basePath]: ${path} !== ${basePath || "/"}`);
  });

const elasticsearch = z
  .strictObject({
    hosts: texts.prefault("http://localhost:9200"),
    username: z
      .string()
      .refine(
        (name) => name !== "elastic",
        'value of "elastic" is forbidden. This is a superuser account that cannot write to system indices that Kibana needs to function. Use a service account token instead.',
      )
      .optional(),
    password: z.string().optional(),
    serviceAccountToken: z.string().optional(),
    requestTimeout: z.number().default(30000),
    ssl: z
      .strictObject({
        certificateAuthorities: texts.optional(),
        verificationMode: z.enum(["none", "certificate", "full"]).default("full"),
      })
      .prefault({}),
  })
  .refine(
    (value) => !(value.username && value.serviceAccountToken),
    'serviceAccountToken cannot be specified when "username" is also set.',
  );

const sections = {
  server,
  elasticsearch,
  path: z.strictObject({ data: z.string().default("/var/lib/kibana") }),
  pid: z.strictObject({ file: z.string().optional(), exclusive: z.boolean().optional() }),
  xpack: z.strictObject({
    encryptedSavedObjects: z.strictObject({ encryptionKey: secretKey.optional() }).prefault({}),
    security: z.looseObject({ encryptionKey: secretKey.optional() }).optional(),
    reporting: z.looseObject({ encryptionKey: secretKey.optional() }).optional(),
    ml: z.strictObject({ ad: other, dfa: other, nlp: other }).optional(),
    fleet: other,
    screenshotting: other,
  }),
  telemetry: z
    .strictObject({ enabled: other, optIn: z.boolean().optional(), allowChangingOptInStatus: other })
    .optional(),
  logging: other,
  i18n: other,
  newsfeed: other,
};

type Sections = typeof sections;
/** Kibana's settings with their defaults, section by section. */
export type Settings = { [K in keyof Sections]: z.output<Sections[K]> };

/** `a.b.c: 1` and nested keys mean the same in kibana.yml. */
function unfold(flat: unknown, into: Json = {}): Json {
  if (!isObject(flat)) return into;
  for (const [dotted, value] of Object.entries(flat)) {
    const path = dotted.split(".");
    const last = path.pop() ?? "";
    let here = into;
    for (const key of path) here = isObject(here[key]) ? here[key] : (here[key] = {});
    here[last] = isObject(value) ? unfold(value, isObject(here[last]) ? here[last] : {}) : value;
  }
  return into;
}

/** Checks settings (dotted or nested keys); throws with Kibana's words at the first that is wrong or unknown. */
export function checkSettings(raw: unknown): Settings {
  const tree = unfold(raw);
  const unknown = Object.keys(tree).filter((key) => !Object.hasOwn(sections, key));
  if (unknown.length)
    throw new Error(
      `Unknown configuration key(s): "${unknown.join('", "')}". Check for spelling errors and ensure that expected plugins are installed.`,
    );
  const checked = Object.entries(sections).map(([name, schema]) => [
    name,
    check(schema, tree[name] ?? (schema === other ? undefined : {}), `config validation of [${name}]`),
  ]);
  return Object.fromEntries(checked) as Settings;
}

/** Reads `kibana.yml` and the keystore beside it; the keystore wins, as it does in Kibana. */
export function loadSettings(configFile: string): Settings {
  const tree = unfold(parse(readFileSync(configFile, "utf8")));
  return checkSettings(unfold(readKeystore(keystorePath(dirname(configFile))), tree));
}
