import { z } from "zod";

/** Pulumi hands numbers over as texts, in objects as either. */
export const wholeNumber = z.union(
  [
    z.int(),
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  ],
  "must be a whole number",
);

export const count = (min: number, max: number) =>
  wholeNumber.pipe(z.number().min(min, `must be ${min} or more`).max(max, `must be ${max} or less`));

export const serverName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, "is no host name or address");
