/** Secret and unknown values, as Pulumi's engine and its plugins write them into plain JSON. */

export type Props = Record<string, unknown>;

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
/** Stands for a value that a preview cannot know. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether it is an object that is no list. */
export function isObject(value: unknown): value is Props {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is marked as a secret. */
export function isSecret(value: unknown): value is { value: unknown } {
  return isObject(value) && value[SIGNATURE] === SECRET;
}

/** The value, marked as a secret; once. */
export function secret(value: unknown): unknown {
  return value === undefined || isSecret(value) ? value : { [SIGNATURE]: SECRET, value };
}

/** The value without the marks of secrets, at any depth. */
export function plain<T>(value: T): T;
export function plain(value: unknown): unknown {
  if (isSecret(value)) return plain(value.value);
  if (Array.isArray(value)) return value.map((item: unknown) => plain(item));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** Whether a value is a secret, or holds one. */
function holdsSecret(value: unknown): boolean {
  return isSecret(value) || (typeof value === "object" && Object.values(value ?? {}).some(holdsSecret));
}

/**
 * Marks what has to be secret in `outputs`: the properties in `names`, and each whose namesake among `inputs` (which
 * carry marks) is a secret or holds one.
 */
export function markSecrets(outputs: Props, inputs: Props, names: readonly string[] = []): Props {
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [
      key,
      names.includes(key) || holdsSecret(inputs[key]) ? secret(value) : value,
    ]),
  );
}
