/** The marks of secret and unknown values in the plain JSON that Pulumi's engine and plugins exchange. */

export type Props = Record<string, unknown>;

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
/** Stands for a value that a preview cannot know. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Returns whether a value is an object, but not a list. */
export function isObject(value: unknown): value is Props {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns whether a value is marked as a secret. */
export function isSecret(value: unknown): value is { value: unknown } {
  return isObject(value) && value[SIGNATURE] === SECRET;
}

/** Returns the value with a secret mark; a marked value is returned as it is. */
export function secret(value: unknown): unknown {
  return value === undefined || isSecret(value) ? value : { [SIGNATURE]: SECRET, value };
}

/** Returns the value without secret marks, at any depth. */
export function plain<T>(value: T): T;
export function plain(value: unknown): unknown {
  if (isSecret(value)) return plain(value.value);
  if (Array.isArray(value)) return value.map((item: unknown) => plain(item));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** Returns whether a value is a secret or contains one. */
function holdsSecret(value: unknown): boolean {
  return isSecret(value) || (typeof value === "object" && Object.values(value ?? {}).some(holdsSecret));
}

/**
 * Returns the outputs with secret marks: on the properties in `names`, and on each property whose input of the same name is a
 * secret or contains one.
 */
export function markSecrets(outputs: Props, inputs: Props, names: readonly string[] = []): Props {
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [
      key,
      names.includes(key) || holdsSecret(inputs[key]) ? secret(value) : value,
    ]),
  );
}
