/** What a type of elasticstack's resources is to the stand-in, and the pieces that several of them are made of. */
import type { Api } from "./http";
import { isObject, type Props, stable } from "./marks";

export interface Kind {
  /** Inputs that the stand-in knows; where a nested name ("template.mappings") is there, no other one beside it. */
  readonly inputs: readonly string[];
  readonly required: readonly string[];
  readonly defaults?: Props;
  /** Inputs whose change makes another resource. */
  readonly replaceOn: readonly string[];
  /** Outputs that are made by the server; `fresh` are those that an update makes anew. */
  readonly computed?: readonly string[];
  readonly fresh?: readonly string[];
  readonly secret?: readonly string[];
  create(
    api: Api,
    inputs: Props,
  ): Promise<{ readonly id: string; readonly outputs?: Props; readonly warning?: string }>;
  update(
    api: Api,
    id: string,
    inputs: Props,
    state: Props,
  ): Promise<{ readonly outputs?: Props; readonly warning?: string }>;
  delete(api: Api, id: string, state: Props): Promise<unknown>;
  /** What the server has, as properties; undefined where it is gone. Without it nothing is ever read back. */
  read?(api: Api, id: string): Promise<Props | undefined>;
  /** What an update would make of the state, where that is not just the inputs. */
  plan?(state: Props, inputs: Props): { readonly inputs: Props; readonly replaces: readonly string[] };
}

/** The part of an id after the cluster or space. */
export function nameOf(id: string): string {
  return id.slice(id.indexOf("/") + 1);
}

/** A JSON text's value. */
export function parsed(value: unknown): unknown {
  return typeof value === "string" && value !== "" ? JSON.parse(value) : undefined;
}

export function objects(value: unknown): Props[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A value as JSON text; nothing for nothing. */
export function text(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : stable(value);
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

/** Without what is empty, zero or false: Terraform's "not set", which its requests leave out. */
export function nonZero(value: Props): Props {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => !isZero(item)));
}

/** Lists whose order means nothing. */
const SETS = [
  ...["names", "privileges", "clusters", "roles", "indices", "remoteIndices", "kibanas", "bases", "spaces"],
  ...["features", "grants", "excepts", "indexPatterns", "runAs", "disabledFeatures"],
];

/** A property's value in the one form in which the provider compares it; undefined for "not set". */
export function canonical(name: string, value: unknown): unknown {
  if (isZero(value)) return undefined;
  if (typeof value === "string") return canonicalText(name, value);
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => canonical(name, item) ?? null);
    return SETS.includes(name) ? items.map(stable).sort() : items;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, canonical(key, item)] as const);
  const set = entries.filter(([, item]) => item !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

function canonicalText(name: string, value: string): string {
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    const json: unknown = JSON.parse(value);
    return stable(name === "settings" && isObject(json) ? flatSettings(json) : json);
  } catch {
    return value;
  }
}

/** Index settings as "index.a.b" with texts: the server takes and gives them in several forms. */
function flatSettings(settings: Props, prefix = ""): Props {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, value]) => {
      if (isObject(value)) return Object.entries(flatSettings(value, `${prefix}${key}.`));
      const name = `${prefix}${key}`;
      return [[name.startsWith("index.") ? name : `index.${name}`, String(value)]];
    }),
  );
}

/** Privileges on indices, from a role's inputs. */
export function indexPrivileges(entry: Props): Props {
  const { names, privileges, clusters, query } = entry;
  const { grants, excepts } = isObject(entry.fieldSecurity) ? entry.fieldSecurity : {};
  const fields = { grant: grants ?? [], except: excepts ?? [] };
  return {
    ...nonZero({ clusters, query }),
    names,
    privileges,
    ...(isObject(entry.fieldSecurity) ? { field_security: fields } : {}),
  };
}

/** The same, from a server's answer. */
export function indexPrivilegesRead(entry: Props): Props {
  const { names, privileges, clusters, query } = entry;
  const security = entry.field_security;
  const fieldSecurity = isObject(security) ? { grants: security.grant, excepts: security.except } : undefined;
  return nonZero({
    names,
    privileges,
    clusters,
    query,
    fieldSecurity,
    allowRestrictedIndices: entry.allow_restricted_indices,
  });
}
