import { z } from "zod";
import { shown, type Say } from "../core/problem";
import { count, serverName, SEVERITIES } from "../core/values";

const DAY_MINUTES = 24 * 60;
/** Minutes of the day. */
const time = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, {
    abort: true,
    error: 'is no time of the day, such as "22:00" (in quotes)',
  })
  .transform((text) => {
    const [hours = 0, minutes = 0] = text.split(":").map(Number);
    return hours * 60 + minutes;
  });

const quiet = z.strictObject({ from: time, to: time }).superRefine(({ from, to }, context) => {
  if (from < to) return;
  const message =
    from === to
      ? "is as long as nothing; it must be later than from"
      : 'ends before it begins; for a night write two: {from: "22:00", to: "24:00"} and {from: "00:00", to: "06:00"}';
  context.addIssue({ code: "custom", path: ["to"], message });
});

const asList = (one: unknown) => (one === undefined || Array.isArray(one) ? one : [one]);

const address = z.email("is no e-mail address, such as duty@example.org");
const url = (pattern: RegExp, example: string) =>
  z.string().refine((text) => pattern.test(text) && URL.canParse(text), `is no URL, such as ${example}`);
const ca = z
  .string()
  .includes("BEGIN CERTIFICATE", { error: "is no certificate; it must be the PEM text of the CA's" })
  .optional();

/** A single severity means itself and those above it. */
function atLeast(given: unknown): unknown {
  if (typeof given !== "string") return given;
  const from = (SEVERITIES as readonly string[]).indexOf(given);
  return from < 0 ? [given] : SEVERITIES.slice(from);
}

/** What destinations of every type have. */
const common = {
  name: z
    .string()
    .regex(
      /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
      "is no name; use lower-case letters, digits and hyphens, at most 63, a letter first and no hyphen last",
    ),
  /** One: that and worse; several: those. */
  severities: z
    .preprocess(atLeast, z.array(z.enum(SEVERITIES)).min(1, "is empty; leave it out for every severity"))
    .default([...SEVERITIES]),
  /** Ids or names of detections; none: all. */
  rules: z.array(z.string()).min(1, "is empty; leave it out for every rule").optional(),
  /** In the site's time zone. */
  quietHours: z.preprocess(asList, z.array(quiet)).default([]),
  /** Minutes in which alerts are gathered into one message. */
  group: count(0, DAY_MINUTES).default(5),
};

const destination = z.discriminatedUnion(
  "type",
  [
    z.strictObject({
      ...common,
      type: z.literal("email"),
      host: serverName,
      port: count(1, 65535).optional(),
      tls: z.enum(["starttls", "smtps"]).default("starttls"),
      from: address,
      to: z.preprocess(asList, z.array(address).min(1, "is empty; name who gets the alerts")),
      user: z.string().min(1, "is empty; leave it out for a server without a login").optional(),
      ca,
    }),
    z.strictObject({ ...common, type: z.literal("slack") }),
    z.strictObject({ ...common, type: z.literal("teams") }),
    z.strictObject({
      ...common,
      type: z.literal("telegram"),
      chat: z
        .union([z.string(), z.int().transform(String)])
        .refine(
          (text) => /^(-?\d+|@\w{4,})$/.test(text),
          'is no chat, such as "-1001234567890" or "@channel"',
        ),
      api: url(/^https?:\/\/[^/?#@]+$/, "https://api.telegram.org").default("https://api.telegram.org"),
    }),
    z.strictObject({
      ...common,
      type: z.literal("webhook"),
      url: url(/^https?:\/\/[^@]+$/, "https://soar.example.org/hook").optional(),
      headers: z
        .record(
          z.string().regex(/^[A-Za-z0-9-]+$/, "is no name of a header"),
          z.string().regex(/^[\x20-\x7e]*$/, "is no value of a header"),
        )
        .default({}),
      ca,
    }),
  ],
  { error: "must be one of email, slack, teams, telegram, webhook" },
);

export type Destination = z.output<typeof destination>;

/** Where a destination's mail server listens: what its config says, or else as its way of TLS has it. */
export function smtpPort({ port, tls }: Extract<Destination, { type: "email" }>): number {
  return port ?? (tls === "smtps" ? 465 : 587);
}

export const deliverySchema = z
  .strictObject({
    via: z.enum(["relay", "connectors"]).default("relay"),
    destinations: z.array(destination).default([]),
  })
  .prefault({});

export type Delivery = z.output<typeof deliverySchema>;

/** By the destination's name: password, webhook's URL, bot's token, or an Authorization header. */
export const deliverySecretsSchema = z
  .record(
    z.string(),
    z
      .string()
      .min(1, "is empty; set it again")
      .regex(/^[^\r\n]*$/, "is more than one line"),
  )
  .default({});

/** The command that sets a destination's secret; Pulumi asks for it, so that it is in no shell's history. */
export function setSecret(name: string): string {
  return `pulumi config set --secret --path 'deliverySecrets.${shown(name)}'`;
}

/** What the secret of a destination is; undefined where it needs none. */
function needed(one: Destination): string | undefined {
  if (one.type === "email") return one.user === undefined ? undefined : "its user's password";
  if (one.type === "telegram") return "its bot's token";
  if (one.type === "webhook") return one.url === undefined ? "its URL (or set url)" : undefined;
  return "its webhook's URL";
}

/** What Kibana's connectors cannot do, and would lose, refuse or show alerts by. */
function checkConnector(one: Destination, at: readonly PropertyKey[], say: Say): void {
  if (one.quietHours.length > 0) {
    say(
      [...at, "quietHours"],
      "Kibana's connectors cannot hold alerts back; take it out, or set delivery.via to relay",
    );
  }
  if (one.type === "email" && one.tls === "starttls") {
    say(
      [...at, "tls"],
      "Kibana's connectors go on without TLS where STARTTLS is taken out on the way; set it to smtps, or set delivery.via to relay",
    );
  }
  if ("ca" in one) {
    say(
      [...at, "ca"],
      "Kibana's connectors take no CA of a destination; take it out, or set delivery.via to relay",
    );
  }
}

const isHttps = (text: string) => /^https:\/\/[^/]/.test(text) && URL.canParse(text);

/**
 * Checks that take more than one value: doubled names, and secrets that are missing, of nobody, or of the wrong form.
 * `secrets` is undefined where they cannot be read here.
 */
export function checkDelivery(
  { via, destinations }: Delivery,
  secrets: Readonly<Record<string, string>> | undefined,
  say: Say,
): void {
  const names = destinations.map(({ name }) => name);
  destinations.forEach((one, index) => {
    const at = ["delivery", "destinations", index];
    const before = names.indexOf(one.name);
    if (before < index) say([...at, "name"], `"${one.name}" is already the name of destinations[${before}]`);
    if (via === "connectors") checkConnector(one, at, say);
    if (secrets === undefined) return;
    const what = needed(one);
    const secret = secrets[one.name];
    if (what !== undefined && secret === undefined) {
      say(at, `"${one.name}" lacks ${what}; set it with: ${setSecret(one.name)}`);
    }
    if (secret === undefined) return;
    const isUrl =
      one.type === "slack" || one.type === "teams" || (one.type === "webhook" && one.url === undefined);
    if (isUrl && !isHttps(secret)) {
      say(["deliverySecrets", one.name], "is no URL of a webhook, such as https://soar.example.org/hook");
    }
    if (one.type === "telegram" && !/^\d+:[\w-]+$/.test(secret)) {
      say(["deliverySecrets", one.name], "is no token of a bot, such as 123456:ABC-DEF");
    }
    if (one.type === "email" && one.user === undefined) {
      say([...at, "user"], "is missing, but there is a password; set both or none");
    }
  });
  for (const name of Object.keys(secrets ?? {})) {
    if (!names.includes(name))
      say(["deliverySecrets", name], `there is no destination "${shown(name)}" in delivery.destinations`);
  }
}
