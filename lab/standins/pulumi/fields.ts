/** What a resource's properties are in a server's JSON, as a table; and what follows from it for every type of resource. */
import { stableJson } from "../../../render/json";
import { isObject, type Props } from "./marks";

/** A property. Without more, it is in the server's JSON under its name in snake_case. */
export interface Field {
  /** Its place in the server's JSON, with dots. */
  readonly at?: string;
  /** A JSON text here (or a list of them), its value there. */
  readonly json?: true;
  /** A block (or a list of them) of these. */
  readonly fields?: Fields;
  /** A list whose order means nothing. */
  readonly set?: true;
  /** What the provider puts where nothing is given. */
  readonly initial?: unknown;
  /** The name in the request's path, and not in its body. */
  readonly key?: true;
  /** Sent at creation alone. */
  readonly once?: true;
  /** Never read back. */
  readonly unread?: true;
  /** The provider's own: neither sent nor read. */
  readonly local?: true;
  /** Its change makes another resource; or only some do. */
  readonly replaces?: true | ((was: unknown, wanted: unknown) => boolean);
  /** What the provider wants, given what is there. */
  readonly merge?: (was: unknown, wanted: unknown) => unknown;
  /** What it keeps of the server's answer. */
  readonly keep?: (answer: unknown) => unknown;
}

export type Fields = Readonly<Record<string, Field>>;

/** Terraform's "not set". */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (typeof value !== "object") return false;
  return Object.values(value).every((item) => item === undefined);
}

/** Its place in the server's JSON. */
function placeOf(name: string, { at }: Field): string {
  return at ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What is at a place in a server's JSON; "{id}" in it stands for `id`. */
export function valueAt(json: unknown, place: string, id = ""): unknown {
  const keys = place.split(".").map((key) => (key === "{id}" ? id : key));
  return keys.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? (inner as Props)[key] : undefined),
    json,
  );
}

function put(json: Props, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) json[first] = value;
  else put((json[first] ??= {}) as Props, rest, value);
}

/** One value or each of a list. */
function each(value: unknown, work: (item: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(work) : work(value);
}

/** The body of a request that creates, or changes, what the inputs say. What is empty is left out. */
export function toBody(fields: Fields, inputs: Props, creates: boolean): Props {
  const body: Props = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.key || field.local || (field.once && !creates)) continue;
    const value = each(inputs[name] ?? field.initial, (item) => {
      if (field.json && typeof item === "string") return JSON.parse(item);
      return field.fields && isObject(item) ? toBody(field.fields, item, creates) : item;
    });
    if (!isEmpty(value)) put(body, placeOf(name, field).split("."), value);
  }
  return body;
}

/** The properties that an answer says; what is not there is undefined. */
export function fromAnswer(fields: Fields, answer: Props): Props {
  const read = Object.entries(fields).filter(([, { key, local, unread }]) => !key && !local && !unread);
  return Object.fromEntries(
    read.map(([name, field]) => [
      name,
      each(valueAt(answer, placeOf(name, field)) ?? undefined, (item) => {
        if (item === undefined) return undefined;
        if (field.json) return stableJson(field.keep ? field.keep(item) : item);
        return field.fields && isObject(item) ? fromAnswer(field.fields, item) : item;
      }),
    ]),
  );
}

/** Names among the inputs that no field has, at any depth. */
export function foreignNames(fields: Fields, inputs: Props, prefix = ""): string[] {
  return Object.entries(inputs).flatMap(([name, value]) => {
    const field = fields[name];
    if (!field) return [prefix + name];
    const blocks = field.fields ? [value].flat().filter(isObject) : [];
    return blocks.flatMap((block) => foreignNames(field.fields ?? {}, block, `${prefix}${name}.`));
  });
}

/** A JSON text's value; a value that a preview does not know is no JSON. */
export function parsed(value: unknown): unknown {
  return typeof value === "string" && /^\s*[[{]/.test(value) ? JSON.parse(value) : value;
}

/** A value in the one form in which it is compared: equal texts for what the provider takes as equal. */
function canonical(field: Field, value: unknown): string | undefined {
  if (field.fields && isObject(value)) {
    const inner = Object.entries(field.fields).map(
      ([name, of]) => [name, canonical(of, value[name] ?? of.initial)] as const,
    );
    return stableJson(Object.fromEntries(inner));
  }
  if (isEmpty(value)) return undefined;
  if (!Array.isArray(value)) return stableJson(field.json ? parsed(value) : value);
  const items = value.map((item: unknown) => canonical({ ...field, set: undefined }, item));
  return stableJson(field.set ? items.sort() : items);
}

export interface Difference {
  readonly path: string;
  readonly replaces: boolean;
}

/** Where the state, which is what the servers gave back, is not what the inputs want. An unknown value differs. */
export function differences(fields: Fields, state: Props, inputs: Props, prefix = ""): Difference[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const was = state[name] ?? field.initial;
    const given = inputs[name] ?? field.initial;
    const path = prefix + name;
    if (field.fields && isObject(was) && isObject(given)) {
      return differences(field.fields, was, given, `${path}.`);
    }
    const wanted = field.merge ? stableJson(field.merge(parsed(was), parsed(given))) : given;
    if (canonical(field, was) === canonical(field, wanted)) return [];
    const { replaces = field.key ?? false } = field;
    return [
      { path, replaces: typeof replaces === "boolean" ? replaces : replaces(parsed(was), parsed(given)) },
    ];
  });
}

/** The inputs as the servers have them: unchanged where that is the same. */
export function refreshed(fields: Fields, inputs: Props, found: Props): Props {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      const field = fields[name];
      const same = !field || !(name in found) || canonical(field, value) === canonical(field, found[name]);
      return [name, same ? value : found[name]];
    }),
  );
}
