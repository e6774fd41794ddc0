import { z } from "zod";

/** The severities of alerts, the lowest first. `informational` is for test alerts; `critical` alerts are never held back. */
export const SEVERITIES = ["informational", "low", "medium", "high", "critical"] as const;

export type Severity = (typeof SEVERITIES)[number];

/** Returns the schema of a text of this form. `message` is for every other value: `must be X, such as Y`. */
export const textLike = (form: RegExp, message: string) => z.string(message).regex(form, message);

/**
 * Returns the schema of a whole number from `min` to `max`, also as a text of digits: Pulumi gives a number as a text if it
 * is a key's own value.
 */
export const wholeNumber = (
  min: number,
  max: number,
  message = `must be a whole number from ${min} to ${max}`,
) => {
  const digits = z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number);
  return z.union([z.int(), digits], message).pipe(z.number().min(min, message).max(max, message));
};

/** The schema of a server's host name or IP address. */
export const serverName = textLike(
  /^[A-Za-z0-9][A-Za-z0-9._:-]*$/,
  "must be a host name or an IP address, such as server.example.org",
);

/** The schema of a boolean, also as a text: Pulumi gives a boolean as a text if it is a key's own value. */
export const flag = z.union(
  [z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")],
  "must be true or false",
);
