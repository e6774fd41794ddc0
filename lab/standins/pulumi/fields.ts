/** How a resource's properties correspond to a server's JSON: a table, and functions that work for every resource type. */
import { stableJson } from "../../../core/json";
import { isObject, type Props } from "./marks";

/** A property. By default, its name in the server's JSON is its own name in snake_case. */
export interface Field {
  /** Its path in the server's JSON, with dots; "" if it is not in the JSON. */
  readonly at?: string;
  /** The property is JSON text (or a list of JSON texts); the server's JSON contains the value. */
  readonly json?: true;
  /** The property is a block (or a list of blocks) with these properties. */
  readonly fields?: Fields;
  /** The property is a list whose order has no meaning. */
  readonly set?: true;
  /** The provider refuses an empty list (MinItems in its schema). */
  readonly filled?: true;
  /** The property is a list of blocks with a name and this list; the server's JSON has an object of lists (a role's features). */
  readonly dictionary?: string;
  /** The provider's default. */
  readonly initial?: unknown;
  /** The property is the resource's name in the path of a request. */
  readonly key?: true;
  /** It is sent only when the resource is created. */
  readonly once?: true;
  /** It is never read from the server. */
  readonly unread?: true;
  /** Returns whether its change replaces the resource. Default: no. */
  replaces?(was: unknown, wanted: unknown): boolean;
  /** Returns the value that the provider wants, given the present one. Default: the input. */
  merge?(was: unknown, wanted: unknown): unknown;
}

export type Fields = Readonly<Record<string, Field>>;

/** Returns the value at a path with dots in a server's JSON; undefined if there is none. */
export function valueAt(json: unknown, place: string): unknown {
  return place.split(".").reduce((inner, key) => (inner as Props | null | undefined)?.[key], json);
}

function placeOf(name: string, { at }: Field): string {
  return at ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Applies a function to a value, or to each item of a list. */
function each(value: unknown, work: (item: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(work) : work(value);
}

/** Returns the value of a JSON text. Other texts, such as an unknown value's in a preview, are returned as they are. */
function parsed(value: unknown): unknown {
  return typeof value === "string" && /^\s*[[{]/.test(value) ? JSON.parse(value) : value;
}

/** Returns the inputs as the server's JSON, without empty values: the body of a request, or one canonical form to compare. */
export function toBody(fields: Fields, inputs: Props, what: "to create" | "to change" | "to compare"): Props {
  const compares = what === "to compare";
  const body: Props = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!compares && (field.at === "" || (field.once && what === "to change"))) continue;
    const value = each(inputs[name] ?? field.initial, (item) => {
      if (field.json) return parsed(item);
      return field.fields && isObject(item) ? toBody(field.fields, item, what) : item;
    });
    if (field.dictionary !== undefined && Array.isArray(value)) {
      body[placeOf(name, field)] = Object.fromEntries(
        (value as Props[]).map((block) => [block.name, block[field.dictionary ?? ""]]),
      );
      continue;
    }
    // Terraform takes these as "not set".
    if (["null", '""', "[]", "{}"].includes(JSON.stringify(value ?? null))) continue;
    const sorts = compares && field.set && Array.isArray(value);
    body[placeOf(name, field)] = sorts ? value.map((item) => stableJson(item)).sort() : value;
  }
  return body;
}

/** Returns the properties in a server's reply; those that are missing there are undefined. */
export function fromAnswer(fields: Fields, answer: Props): Props {
  const read = Object.entries(fields).filter(([, { at, unread }]) => at !== "" && !unread);
  const properties = read.map(([name, field]) => {
    const given = answer[placeOf(name, field)] ?? undefined;
    if (field.dictionary !== undefined && isObject(given)) {
      const list = field.dictionary;
      return [name, Object.entries(given).map(([key, items]) => ({ name: key, [list]: items }))] as const;
    }
    const value = each(given, (item) => {
      if (field.json) return stableJson(item);
      return field.fields && isObject(item) ? fromAnswer(field.fields, item) : item;
    });
    return [name, value] as const;
  });
  return Object.fromEntries(properties);
}

/** Returns the names of inputs that are not in the table, at any depth. */
export function foreignNames(fields: Fields, inputs: Props, prefix = ""): string[] {
  return Object.entries(inputs).flatMap(([name, value]) => {
    const field = fields[name];
    if (!field) return [prefix + name];
    const inner = (block: unknown) =>
      field.fields && isObject(block) ? foreignNames(field.fields, block, `${prefix}${name}.`) : [];
    return [value].flat().flatMap(inner);
  });
}

/** Returns the provider's error for each list that must not be empty. */
export function emptyLists(fields: Fields, inputs: Props): string[] {
  const empty = Object.entries(fields).filter(
    ([name, { filled }]) => filled && stableJson(inputs[name] ?? null) === "[]",
  );
  return empty.map(
    ([name, field]) =>
      `Not enough list items: Attribute ${placeOf(name, field)} requires 1 item minimum, but config has only 0 declared`,
  );
}

/**
 * Returns where the state (what the servers returned) differs from the inputs: each path, and whether it replaces the
 * resource. An unknown value differs.
 */
export function differences(fields: Fields, state: Props, inputs: Props, prefix = ""): [string, boolean][] {
  return Object.entries(fields).flatMap(([name, field]): [string, boolean][] => {
    const [was, given] = [state[name], inputs[name]].map((value) => (field.json ? parsed(value) : value));
    if (field.fields && isObject(was) && isObject(given)) {
      return differences(field.fields, was, given, `${prefix}${name}.`);
    }
    const canonical = (value: unknown) => stableJson(toBody({ value: field }, { value }, "to compare"));
    if (canonical(was) === canonical(field.merge ? field.merge(was, given) : given)) return [];
    return [[prefix + name, field.replaces?.(was, given) ?? false]];
  });
}
