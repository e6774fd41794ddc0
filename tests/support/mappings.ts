const NUMBERS = new Set(
  "long integer short byte unsigned_long double float half_float scaled_float".split(" "),
);

/** What Elasticsearch can group by: types with doc values. */
const AGGREGATABLE = new Set([
  ..."keyword constant_keyword wildcard ip date boolean version".split(" "),
  ...NUMBERS,
]);

/** Kibana's type of a field for its Elasticsearch type. */
export function kibanaType(type: string): string {
  if (NUMBERS.has(type)) return "number";
  return type === "ip" || type === "date" || type === "boolean" ? type : "string";
}

interface Mapping {
  readonly type?: string;
  readonly doc_values?: boolean;
  readonly properties?: Readonly<Record<string, Mapping>>;
  readonly fields?: Readonly<Record<string, Mapping>>;
}

export interface MappedField {
  readonly type: string;
  readonly aggregatable: boolean;
}

/** Every field of Elasticsearch mappings by its full name, multi-fields too, with its type and whether `terms` can group by it. */
export function flattenMappings(mappings: object): Map<string, MappedField> {
  const found = new Map<string, MappedField>();
  const walk = (mapping: Mapping, name: string) => {
    const { type, doc_values = true } = mapping;
    if (type !== undefined) found.set(name, { type, aggregatable: doc_values && AGGREGATABLE.has(type) });
    const inner = { ...mapping.properties, ...mapping.fields };
    for (const [key, value] of Object.entries(inner)) walk(value, name === "" ? key : `${name}.${key}`);
  };
  walk(mappings, "");
  return found;
}
