/** What a resource's properties are in a server's JSON, as a table; and what follows from it for every type of resource. */
import { stableJson } from "../../../core/json";
import { isObject, type Props } from "./marks";

/** A property. Without more, it is in the server's JSON under its name in snake_case. */
export interface Field {
  /** Its name in the server's JSON; "" where it is not in it. */
  readonly at?: string;
  /** A JSON text here (or a list of them), its value there. */
  readonly json?: true;
  /** A block (or a list of them) of these. */
  readonly fields?: Fields;
  /** A list whose order means nothing. */
  readonly set?: true;
  /** An empty list is refused (MinItems in the provider's schema). */
  readonly filled?: true;
  /** What the provider puts where nothing is given. */
  readonly initial?: unknown;
  /** The name in the request's path. */
  readonly key?: true;
  /** Sent at creation alone. */
  readonly once?: true;
  /** Never read back. */
  readonly unread?: true;
  /** Whether its change makes another resource. */
  replaces?(was: unknown, wanted: unknown): boolean;
  /** What the provider wants, given what is there. */
  merge?(was: unknown, wanted: unknown): unknown;
}

export type Fields = Readonly<Record<string, Field>>;

/** What is at a place in a server's JSON, with dots. */
export function valueAt(json: unknown, place: string): unknown {
  return place.split(".").reduce((inner, key) => (inner as Props | null | undefined)?.[key], json);
}

function placeOf(name: string, { at }: Field): string {
  return at ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** One value or each of a list. */
function each(value: unknown, work: (item: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(work) : work(value);
}

/** A JSON text's value; a value that a preview does not know is no JSON. */
function parsed(value: unknown): unknown {
  return typeof value === "string" && /^\s*[[{]/.test(value) ? JSON.parse(value) : value;
}

/** The inputs in the server's JSON, without what is empty: what is sent, or all of it in one form, to compare it. */
export function toBody(fields: Fields, inputs: Props, what: "to create" | "to change" | "to compare"): Props {
  const compares = what === "to compare";
  const body: Props = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!compares && (field.at === "" || (field.once && what === "to change"))) continue;
    const value = each(inputs[name] ?? field.initial, (item) => {
      if (field.json) return parsed(item);
      return field.fields && isObject(item) ? toBody(field.fields, item, what) : item;
    });
    // Terraform's "not set".
    if (["null", '""', "[]", "{}"].includes(JSON.stringify(value ?? null))) continue;
    const sorts = compares && field.set && Array.isArray(value);
    body[placeOf(name, field)] = sorts ? value.map((item) => stableJson(item)).sort() : value;
  }
  return body;
}

/** The properties that an answer says; what is not there is undefined. */
export function fromAnswer(fields: Fields, answer: Props): Props {
  const read = Object.entries(fields).filter(([, { at, unread }]) => at !== "" && !unread);
  const properties = read.map(([name, field]) => {
    const value = each(answer[placeOf(name, field)] ?? undefined, (item) => {
      if (field.json) return stableJson(item);
      return field.fields && isObject(item) ? fromAnswer(field.fields, item) : item;
    });
    return [name, value] as const;
  });
  return Object.fromEntries(properties);
}

/** Names among the inputs that no field has, at any depth. */
export function foreignNames(fields: Fields, inputs: Props, prefix = ""): string[] {
  return Object.entries(inputs).flatMap(([name, value]) => {
    const field = fields[name];
    if (!field) return [prefix + name];
    const inner = (block: unknown) =>
      field.fields && isObject(block) ? foreignNames(field.fields, block, `${prefix}${name}.`) : [];
    return [value].flat().flatMap(inner);
  });
}

/** The lists among the inputs that are empty and must not be, each as the provider says it. */
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
 * Where the state, which is what the servers gave back, is not what the inputs want: paths, and whether each makes
 * another resource. An unknown value differs.
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
