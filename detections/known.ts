/** The names that rules can use: fields, machine types, and ATT&CK's tactics and techniques. A check returns a fault, or undefined. */
import { didYouMean, joinWithOr, printable } from "../core/problem";
import { MACHINE_TYPES } from "../machines";
import { type Field, loadFields } from "../pipelines/fields";
import attack from "./attack/attack.json";

/** The fields of log documents by name (pipelines/fields.yml). */
export const FIELDS: ReadonlyMap<string, Field> = new Map(
  loadFields("logs").map((field) => [field.name, field]),
);

/** The types of fields whose whole values Elasticsearch can compare and group by. */
const EXACT: readonly Field["type"][] = ["keyword", "ip", "long"];

/** The fields that a condition can compare and that a count can group by. */
export const EXACT_FIELDS: readonly string[] = [...FIELDS.values()]
  .filter(({ type }) => EXACT.includes(type))
  .map(({ name }) => name);

/** Each technique of ATT&CK, such as "t1110.001", with its tactics. */
const TECHNIQUES: ReadonlyMap<string, { readonly name: string; readonly tactics: readonly string[] }> =
  new Map(Object.entries(attack.techniques).map(([id, technique]) => [id.toLowerCase(), technique]));
const TACTICS: readonly string[] = [
  ...new Set([...TECHNIQUES.values()].flatMap(({ tactics }) => tactics)),
].sort();

const ATTACK = "attack.";

/** Every tag of ATT&CK: tactics, then techniques. */
export const ATTACK_TAGS: readonly string[] = [...TACTICS, ...TECHNIQUES.keys()].map((name) => ATTACK + name);

/** Returns why a name is not a field of log documents; undefined if it is one. */
export function fieldFault(name: string): string | undefined {
  if (FIELDS.has(name)) return undefined;
  const guess = didYouMean(name, [...FIELDS.keys()]);
  return `must be a field that a pipeline makes (docs/fields.md), not "${printable(name)}"${guess}`;
}

/** Returns why a name is not in EXACT_FIELDS; undefined if it is. */
export function exactFieldFault(name: string): string | undefined {
  const type = FIELDS.get(name)?.type;
  if (type === undefined) return fieldFault(name);
  if (EXACT.includes(type)) return undefined;
  return `must be a field of the type ${joinWithOr(EXACT)}, such as user.name; ${name} is of the type ${type}`;
}

/** Returns why a text is not a machine type; undefined if it is one. */
export function machineTypeFault(type: string): string | undefined {
  const types: readonly string[] = MACHINE_TYPES;
  if (types.includes(type)) return undefined;
  return `must be one of ${[...types].sort().join(", ")}, not "${printable(type)}"${didYouMean(type, types)}`;
}

/**
 * Returns what is wrong with a tag; undefined if it is valid. Of a tag in another of Sigma's namespaces, such as
 * "cve.2021-44228", only the form is checked.
 */
export function tagFault(tag: string): string | undefined {
  if (!/^[a-z0-9_-]+\.[a-z0-9._-]+$/.test(tag)) {
    return 'must be a tag in small letters, such as "attack.initial-access" or "attack.t1078"';
  }
  if (!tag.startsWith(ATTACK) || ATTACK_TAGS.includes(tag)) return undefined;
  // No suggestion for a technique: a similar number is a different technique.
  const guess = /\.t\d/.test(tag) ? "" : didYouMean(tag, ATTACK_TAGS);
  return `must be a tactic or a technique of ATT&CK ${attack.version}, such as attack.initial-access or attack.t1078${guess}`;
}

/** Returns the faults of a rule's tags as a whole: the tactics must be those of the techniques. `at` is the position of the faulty tag. */
export function tagsFaults(tags: readonly string[]): { readonly at?: number; readonly message: string }[] {
  const names = tags.map((tag) => (tag.startsWith(ATTACK) ? tag.slice(ATTACK.length) : ""));
  const tactics = names.filter((name) => TACTICS.includes(name));
  const techniques = names.filter((name) => TECHNIQUES.has(name));
  if (tactics.length === 0 || techniques.length === 0) {
    return [
      {
        message:
          "must hold a tactic and a technique of ATT&CK, such as [attack.initial-access, attack.t1078]; " +
          "only a rule of the level informational needs none",
      },
    ];
  }
  const tacticsOf = (technique: string) => TECHNIQUES.get(technique)?.tactics ?? [];
  return names.flatMap((name, at) => {
    if (tactics.includes(name) && !techniques.some((technique) => tacticsOf(technique).includes(name))) {
      return [
        {
          at,
          message: `must be a tactic of one of the rule's techniques; ATT&CK has none of them in ${name}`,
        },
      ];
    }
    if (techniques.includes(name) && !tacticsOf(name).some((tactic) => tactics.includes(tactic))) {
      const wanted = tacticsOf(name).map((tactic) => ATTACK + tactic);
      return [{ at, message: `must have its tactic among the tags: ${joinWithOr(wanted)}` }];
    }
    return [];
  });
}
