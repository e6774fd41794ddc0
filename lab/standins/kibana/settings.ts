/** `kibana.yml` and the keystore beside it, which wins: the settings that this project writes, and no others. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { check } from "./schemas";

const key = z.string().min(32);
const settings = z
  .strictObject({
    "server.name": z.string().default("kibana"),
    "server.host": z.string().default("localhost"),
    "server.port": z.number().default(5601),
    "server.basePath": z
      .string()
      .regex(/^$|^\/.*[^/]$/, "must start with a slash, don't end with one")
      .default(""),
    "server.rewriteBasePath": z.literal(true).optional(),
    "server.publicBaseUrl": z.url().optional(),
    "server.ssl.enabled": z.boolean().default(false),
    "server.ssl.certificate": z.string().default(""),
    "server.ssl.key": z.string().default(""),
    "elasticsearch.hosts": z.tuple([z.url()]),
    "elasticsearch.username": z
      .string()
      .refine((name) => name !== "elastic", 'value of "elastic" is forbidden. This is a superuser account'),
    "elasticsearch.password": z.string(),
    "elasticsearch.ssl.certificateAuthorities": z.array(z.string()).default([]),
    "path.data": z.string().default("/var/lib/kibana"),
    "telemetry.optIn": z.boolean().optional(),
    "telemetry.allowChangingOptInStatus": z.boolean().optional(),
    // Without it the real one starts, but neither rules nor connectors work.
    "xpack.encryptedSavedObjects.encryptionKey": key,
    "xpack.reporting.encryptionKey": key.optional(),
    "xpack.security.encryptionKey": key.optional(),
  })
  .refine(
    ({ "server.basePath": path, "server.publicBaseUrl": url }) =>
      url === undefined || new URL(url).pathname === (path || "/"),
    { path: ["server.publicBaseUrl"], message: "must contain the [basePath]" },
  );

/** Kibana's settings with their defaults, under their dotted names. */
export type Settings = z.output<typeof settings>;

/** Checks settings; throws with Kibana's words at the first that is wrong or unknown. */
export const checkSettings = (raw: unknown): Settings => check(settings, raw);

/** Where the keystore is: beside `kibana.yml`. */
export const keystorePath = (configFile: string): string => join(dirname(configFile), "kibana.keystore");

const readKeystore = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;

/** Reads `kibana.yml` and the keystore beside it. */
export function loadSettings(configFile: string): Settings {
  const path = keystorePath(configFile);
  const secrets = existsSync(path) ? readKeystore(path) : {};
  return checkSettings({ ...(parse(readFileSync(configFile, "utf8")) as object | null), ...secrets });
}

/** `kibana-keystore ARGUMENTS`: gives what it prints. Values come on stdin only, and are never printed. */
export async function keystoreCommand(
  [command, name, ...flags]: string[],
  path: string,
  readStdin: () => Promise<string>,
): Promise<string[]> {
  // Written in place, so that the owner and the mode which the package gave the file stay.
  const write = (values: object) => writeFileSync(path, JSON.stringify(values), { mode: 0o660 });
  if (command === "create") {
    if (existsSync(path)) return ["A Kibana keystore already exists. Exiting without modifying keystore."];
    write({});
    return [`Created Kibana keystore in ${path}`];
  }
  if (!existsSync(path)) throw new Error("Kibana keystore not found. Use 'create' command to create one.");
  const values = readKeystore(path);
  if (command === "list") return Object.keys(values);
  if (command !== "add" || !name || !flags.includes("--stdin") || !flags.includes("--force"))
    throw new Error("Usage: kibana-keystore create | list | add KEY --stdin --force");
  write({ ...values, [name]: (await readStdin()).trim() });
  return [];
}
