/** `kibana.yml` and the keystore, which overrides it: only the settings that this project writes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { check } from "./schemas";

const text = z.string();
const key = text.min(32);
const settings = z
  .strictObject({
    "server.name": text.optional(),
    "server.host": text.default("localhost"),
    "server.port": z.number().default(5601),
    "server.basePath": text.regex(/^$|^\/.*[^/]$/, "must start with a slash, don't end with one").default(""),
    "server.rewriteBasePath": z.literal(true).optional(),
    "server.publicBaseUrl": z.url().optional(),
    "server.ssl.enabled": z.boolean().default(false),
    "server.ssl.certificate": text.optional(),
    "server.ssl.key": text.optional(),
    "elasticsearch.hosts": z.tuple([z.url()]),
    "elasticsearch.username": text.regex(/^(?!elastic$)/, 'value of "elastic" is forbidden'),
    "elasticsearch.password": text,
    "elasticsearch.ssl.certificateAuthorities": z.array(text).optional(),
    "path.data": text.default("/var/lib/kibana"),
    "telemetry.optIn": z.boolean().optional(),
    "telemetry.allowChangingOptInStatus": z.boolean().optional(),
    // Without it, the real Kibana starts, but rules and connectors do not work.
    "xpack.encryptedSavedObjects.encryptionKey": key,
    "xpack.reporting.encryptionKey": key.optional(),
    "xpack.security.encryptionKey": key.optional(),
  })
  // Kibana's own message for a public URL with another path than it serves (http_config.ts). It does not start then.
  .superRefine(({ "server.basePath": basePath, "server.publicBaseUrl": address }, context) => {
    const path = address === undefined ? basePath : new URL(address).pathname.replace(/^\/$/, "");
    const message = `[publicBaseUrl] must contain the [basePath]: ${path || "/"} !== ${basePath}`;
    if (path !== basePath) context.addIssue({ code: "custom", path: ["server"], message });
  });

/** Kibana's settings with their defaults, by their names with dots. */
export type Settings = z.output<typeof settings>;

/** Checks settings. Throws an Error with Kibana's message about the first wrong or unknown one. */
export const checkSettings = (raw: unknown): Settings => check(settings, raw);

/** Returns the settings in a folder's `kibana.yml` and keystore. */
export function loadSettings(folder: string): Settings {
  const read = (name: string) => parse(readFileSync(join(folder, name), "utf8")) as object | null;
  return checkSettings({ ...read("kibana.yml"), ...read("kibana.keystore") });
}
