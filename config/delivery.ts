import { z } from "zod";
import { didYouMean, printable, type ReportProblem } from "../core/problem";
import { serverName, SEVERITIES, textLike, wholeNumber } from "../core/values";

const DAY_MINUTES = 24 * 60;
const TIME_MESSAGE = 'must be a time of day in quotes, such as "22:00"';
/** A time of day as `HH:MM`; becomes the minutes since midnight. */
const time = z
  .string(TIME_MESSAGE)
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, { abort: true, error: TIME_MESSAGE })
  .transform((text) => {
    const [hours = 0, minutes = 0] = text.split(":").map(Number);
    return hours * 60 + minutes;
  });

const quietTime = z.strictObject({ from: time, to: time }).superRefine(({ from, to }, context) => {
  if (from < to) return;
  const message =
    from === to
      ? "must be later than from"
      : 'must be later than from; for a night, write {from: "22:00", to: "24:00"} and {from: "00:00", to: "06:00"}';
  context.addIssue({ code: "custom", path: ["to"], message });
});

/** Returns a list: a value that is not a list becomes the list's only item. */
const asList = (value: unknown) => (value === undefined || Array.isArray(value) ? value : [value]);

const ADDRESSES_MESSAGE = "must name who gets the alerts, such as [duty@example.org]";
const address = z.email("must be an e-mail address, such as duty@example.org");
const url = (pattern: RegExp, example: string) => {
  const message = `must be a URL without a login, such as ${example}`;
  return z.string(message).refine((text) => pattern.test(text) && URL.canParse(text), message);
};
const ca = textLike(
  /BEGIN CERTIFICATE/,
  "must be a CA's certificate in PEM, which begins with -----BEGIN CERTIFICATE-----",
).optional();

/** Returns the severities that a config means: a single one stands for itself and all higher ones. */
function severitiesFrom(given: unknown): unknown {
  if (typeof given !== "string") return given;
  const from = (SEVERITIES as readonly string[]).indexOf(given);
  return from < 0 ? [given] : SEVERITIES.slice(from);
}

const CHAT_MESSAGE = 'must be a chat\'s id or a channel in quotes, such as "-1001234567890" or "@channel"';

/** The keys of destinations of every type. */
const common = {
  /** The destination's name, in messages, `deliverySecrets` and the relay's journal. Required. Example: `duty`. */
  name: textLike(
    /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be a name of lower-case letters, digits and hyphens, such as duty (63 at most, first a letter, last no hyphen)",
  ),
  /** The alerts' severities: one means it and the higher ones, a list exactly these. Default: all. Example: `high`. */
  severities: z
    .preprocess(
      severitiesFrom,
      z
        .array(z.enum(SEVERITIES), "must be a severity or a list of severities, such as high")
        .min(1, "must name a severity, such as high; leave it out for all severities"),
    )
    .default([...SEVERITIES]),
  /** The names or ids of the detections whose alerts it gets. Default: all. Example: `[dhis2_impersonation]`. */
  rules: z
    .array(z.string(), "must be a list of detections, such as [dhis2_impersonation]")
    .min(1, "must name a detection, such as dhis2_impersonation; leave it out for all detections")
    .optional(),
  /**
   * When alerts wait, in the site's time zone: one time or a list. Critical alerts never wait. Default: none.
   * Example: `{from: "00:00", to: "06:00"}`.
   */
  quietHours: z.preprocess(asList, z.array(quietTime)).default([]),
  /** The minutes in which alerts become one message; 0 sends each alert at once. Default: 5. */
  group: wholeNumber(0, DAY_MINUTES).default(5),
};

const destination = z.discriminatedUnion(
  "type",
  [
    z.strictObject({
      ...common,
      type: z.literal("email"),
      /** The mail server. Required. Example: `smtp.example.org`. */
      host: serverName,
      /** Its port. Default: 587 with STARTTLS, 465 with SMTPS. */
      port: wholeNumber(1, 65535).optional(),
      /** How the connection is encrypted; it always is. Default: `starttls`. */
      tls: z.enum(["starttls", "smtps"]).default("starttls"),
      /** The sender. Required. Example: `siem@example.org`. */
      from: address,
      /** The recipient, or a list of them. Required. Example: `[duty@example.org]`. */
      to: z.preprocess(asList, z.array(address, ADDRESSES_MESSAGE).min(1, ADDRESSES_MESSAGE)),
      /** The login at the mail server; the destination's secret is its password. Default: no login. */
      user: z
        .string()
        .min(1, "must be a login name, such as siem; leave it out for a server without a login")
        .optional(),
      /** The only CA that is trusted, in PEM. Default: the system's CAs. */
      ca,
    }),
    // The secret is the URL of an incoming webhook.
    z.strictObject({ ...common, type: z.literal("slack") }),
    // The secret is the URL of a Workflow's webhook.
    z.strictObject({ ...common, type: z.literal("teams") }),
    z.strictObject({
      ...common,
      type: z.literal("telegram"),
      /** The chat's id or the channel's name; the secret is the bot's token. Required. Example: `"-1001234567890"`. */
      chat: z
        .union([z.string(), z.int().transform(String)], CHAT_MESSAGE)
        .refine((text) => /^(-?\d+|@\w{4,})$/.test(text), CHAT_MESSAGE),
      /** The server of the Bot API. Default: `https://api.telegram.org`. */
      api: url(/^https?:\/\/[^/?#@]+$/, "https://api.telegram.org").default("https://api.telegram.org"),
    }),
    z.strictObject({
      ...common,
      type: z.literal("webhook"),
      /**
       * Where messages are posted. Default: the destination's secret; if this is set, the secret is an Authorization
       * header.
       */
      url: url(/^https?:\/\/[^@]+$/, "https://soar.example.org/hook").optional(),
      /** Further headers of each request. Default: none. Example: `{X-Site: hmis}`. */
      headers: z
        .record(
          textLike(/^[A-Za-z0-9-]+$/, "must be the name of a header, such as X-Site"),
          textLike(/^[\x20-\x7e]*$/, "must be a header's value: one line of ASCII characters, such as hmis"),
        )
        .default({}),
      /** The only CA that is trusted, in PEM. Default: the system's CAs. */
      ca,
    }),
    z.strictObject({
      name: common.name,
      /**
       * A dead man's switch: no alerts go there. While everything works, the secret, which is a URL, is requested; otherwise the
       * failure URL.
       */
      type: z.literal("heartbeat"),
      /** The interval in minutes. Default: 5. */
      every: wholeNumber(1, 60).default(5),
      /** Requested instead if something does not work. Default: the secret with `/fail` after its path. */
      failureUrl: url(/^https:\/\/[^@]+$/, "https://hc.example.org/ping/0b7c/fail").optional(),
      /** The only CA that is trusted, in PEM. Default: the system's CAs. */
      ca,
    }),
  ],
  { error: "must be one of email, slack, teams, telegram, webhook, heartbeat" },
);

type AnyDestination = z.output<typeof destination>;

/** A dead man's switch: a URL that is requested while everything works. */
export type Heartbeat = Extract<AnyDestination, { type: "heartbeat" }>;

/** Where alerts are sent; `type` says how. */
export type Destination = Exclude<AnyDestination, Heartbeat>;

const isHeartbeat = (one: AnyDestination): one is Heartbeat => one.type === "heartbeat";

/** Returns the port of a destination's mail server: that of the config, or the usual one of its encryption. */
export function smtpPort({ port, tls }: Extract<Destination, { type: "email" }>): number {
  return port ?? (tls === "smtps" ? 465 : 587);
}

/** The schema of `delivery`. */
export const deliverySchema = z
  .strictObject({
    /** `relay`: the project's own relay sends. `connectors`: Kibana does, which needs a paid licence. Default: `relay`. */
    via: z.enum(["relay", "connectors"]).default("relay"),
    /** Who gets alerts. Default: nobody. */
    destinations: z.array(destination).default([]),
  })
  .prefault({})
  .transform(({ via, destinations }) => ({
    via,
    /** All destinations, in the order of the config. */
    all: destinations,
    /** Those that get alerts. */
    destinations: destinations.filter((one): one is Destination => !isHeartbeat(one)),
    heartbeats: destinations.filter(isHeartbeat),
  }));

/** How alerts reach people. */
export type Delivery = z.output<typeof deliverySchema>;

/**
 * The schema of `deliverySecrets`: by the destination's name a password, a webhook's URL, a bot's token or an Authorization
 * header.
 */
export const deliverySecretsSchema = z
  .record(z.string(), textLike(/^[^\r\n]+$/, "must be one line of text, such as a password"))
  .default({});

/**
 * Returns the command that sets a destination's secret. Pulumi reads it from the terminal, so it is in no shell's history.
 */
export function setSecretCommand(name: string): string {
  return `pulumi config set --secret --path 'deliverySecrets.${printable(name)}'`;
}

/** Returns what a destination's secret must be; undefined if it can be left out. */
function requiredSecret(destination: AnyDestination): string | undefined {
  switch (destination.type) {
    case "heartbeat":
      return "the URL of the heartbeat service";
    case "email":
      return destination.user === undefined ? undefined : "its user's password";
    case "telegram":
      return "its bot's token";
    case "webhook":
      return destination.url === undefined ? "its URL (or set url)" : undefined;
    case "slack":
    case "teams":
      return "its webhook's URL";
  }
}

/** Reports settings that Kibana's connectors do not support: alerts would be lost, refused or readable on the way. */
function checkConnector(
  destination: AnyDestination,
  at: readonly PropertyKey[],
  report: ReportProblem,
): void {
  if (isHeartbeat(destination)) {
    report(
      [...at, "type"],
      "must not be heartbeat, because Kibana's connectors cannot watch Kibana; remove it, or set delivery.via to relay",
    );
    return;
  }
  if (destination.quietHours.length > 0) {
    report(
      [...at, "quietHours"],
      "must not be set, because Kibana's connectors cannot hold alerts back; remove it, or set delivery.via to relay",
    );
  }
  if (destination.type === "email" && destination.tls === "starttls") {
    report(
      [...at, "tls"],
      "must be smtps, because Kibana's connectors send without TLS if STARTTLS is removed on the way; or set delivery.via to relay",
    );
  }
  if ("ca" in destination) {
    report(
      [...at, "ca"],
      "must not be set, because Kibana's connectors have no CA of their own; remove it, or set delivery.via to relay",
    );
  }
}

const isHttps = (text: string) => /^https:\/\/[^/]/.test(text) && URL.canParse(text);

/**
 * Reports faults that need more than one value: names that occur twice, and secrets that are missing, have the wrong form or
 * belong to no destination.
 * @param secrets undefined if they cannot be decrypted here
 */
export function checkDelivery(
  { via, all: destinations }: Delivery,
  secrets: Readonly<Record<string, string>> | undefined,
  report: ReportProblem,
): void {
  const names = destinations.map(({ name }) => name);
  if (destinations.length > 0 && destinations.every(isHeartbeat)) {
    report(
      ["delivery", "destinations"],
      "must have a destination for alerts beside a heartbeat, such as {name: duty, type: email, ...}",
    );
  }
  destinations.forEach((destination, index) => {
    const at = ["delivery", "destinations", index];
    const { name } = destination;
    const before = names.indexOf(name);
    if (before < index) {
      report([...at, "name"], `must be unique; "${name}" is already the name of destinations[${before}]`);
    }
    if (via === "connectors") checkConnector(destination, at, report);
    const secret = secrets?.[name];
    if (secret !== undefined) checkSecret(destination, secret, at, report);
    const required = requiredSecret(destination);
    if (secrets !== undefined && secret === undefined && required !== undefined) {
      report(at, `must have a secret, ${required}; set it with: ${setSecretCommand(name)}`);
    }
  });
  for (const name of Object.keys(secrets ?? {})) {
    if (names.includes(name)) continue;
    const message = `is not the name of a destination${didYouMean(name, names) || "."} Destinations: ${names.join(", ") || "none"}`;
    report(["deliverySecrets", name], message);
  }
}

/** Reports a secret of the wrong form, without showing it. */
function checkSecret(
  destination: AnyDestination,
  secret: string,
  at: readonly PropertyKey[],
  report: ReportProblem,
): void {
  const { type, name } = destination;
  const isUrl = type === "slack" || type === "teams" || (type === "webhook" && destination.url === undefined);
  if (type === "heartbeat" && !isHttps(secret)) {
    report(["deliverySecrets", name], "must be a URL, such as https://hc.example.org/ping/0b7c");
  }
  if (isUrl && !isHttps(secret)) {
    report(["deliverySecrets", name], "must be the URL of a webhook, such as https://soar.example.org/hook");
  }
  if (type === "telegram" && !/^\d+:[\w-]+$/.test(secret)) {
    report(["deliverySecrets", name], "must be a bot token, such as 123456:ABC-DEF");
  }
  if (type === "email" && destination.user === undefined) {
    report(
      [...at, "user"],
      `must be set, because deliverySecrets.${name} is its password; or remove that secret`,
    );
  }
}
