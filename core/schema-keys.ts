import { z } from "zod";

/** Returns the keys that are valid at a path of a schema: in a list, those of its items; in a union, those of all its options. */
export function keysAt(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  const [key, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (key === undefined) return Object.keys(schema.shape);
    return keysAt((schema.shape as Record<PropertyKey, unknown>)[key], rest);
  }
  if (schema instanceof z.ZodRecord) return key === undefined ? [] : keysAt(schema.valueType, rest);
  if (schema instanceof z.ZodArray) return keysAt(schema.element, rest);
  if (schema instanceof z.ZodUnion) {
    return [...new Set(schema.options.flatMap((option) => keysAt(option, path)))];
  }
  if (schema instanceof z.ZodPipe) return keysAt(schema.out, path);
  const wrapped =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return wrapped ? keysAt(schema.unwrap(), path) : [];
}
