import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const texts = z.array(z.string().min(2)).default([]);

const schema = z.strictObject({
  hints: z.array(z.string().min(1)),
  query_hints: z.array(z.string().min(1)),
  raw_hints: z.array(z.string().min(1)),
  entities: z.record(z.string(), z.string().length(1)),
  attacks: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z-]+$/),
      is: z.string(),
      checks: z
        .array(z.enum(["union", "comparison", "handler", "lookup", "template", "traversal"]))
        .default([]),
      spaced: texts,
      tight: texts,
      compact: texts,
      matches: z.array(z.string()).min(1),
      silent: z.array(z.string()).min(1),
    }),
  ),
});

/** What requests are searched for, with examples. See pipelines/attacks.yml. */
export type Attacks = z.output<typeof schema>;

/** Returns the content of attacks.yml. Throws if the file is invalid. */
export function loadAttacks(): Attacks {
  const parsed = schema.safeParse(parse(readFileSync(join(__dirname, "attacks.yml"), "utf8")));
  if (!parsed.success) throw new Error(`pipelines/attacks.yml: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Returns the params of scripts/attack.painless: the patterns without their examples. */
export function attackParams(): object {
  const { hints, query_hints, raw_hints, entities, attacks } = loadAttacks();
  return {
    hints,
    query_hints,
    raw_hints,
    entities,
    attacks: attacks.map(({ id, checks, spaced, tight, compact }) => ({
      id,
      checks,
      spaced,
      tight,
      compact,
    })),
  };
}
