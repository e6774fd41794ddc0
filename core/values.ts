import { z } from "zod";

/** How bad what an alert says is: from the least (tests) to the worst, which is never held back. */
export const SEVERITIES = ["informational", "low", "medium", "high", "critical"] as const;

export type Severity = (typeof SEVERITIES)[number];

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

/** A whole number in these bounds, both of them in it. */
export const count = (min: number, max: number) =>
  wholeNumber.pipe(z.number().min(min, `must be ${min} or more`).max(max, `must be ${max} or less`));

export const serverName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, "is no host name or address");
