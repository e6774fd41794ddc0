import { format } from "prettier";
import { z } from "zod";
import type { Json } from "../../core/json";
import { ATTACK_TAGS, EXACT_FIELDS, FIELDS } from "../../detections/known";
import { baseRule, correlationRule, countRule, eventRule } from "../../detections/schema";
import { MACHINE_TYPES } from "../../machines";

/** Returns the schema of a selection: conditions on fields, or a list of such conditions of which one must match. */
function selection(): Json {
  const one = {
    type: "object",
    // Listed so that editors complete them. A name can also have a modifier, such as "url.path|contains".
    properties: Object.fromEntries(
      EXACT_FIELDS.map((name) => [name, { description: FIELDS.get(name)?.description }]),
    ),
    patternProperties: {
      [`^(${EXACT_FIELDS.map((name) => name.replaceAll(".", "\\.")).join("|")})\\|`]: {},
    },
    additionalProperties: false,
  };
  return { anyOf: [one, { type: "array", items: one }] };
}

/** The JSON schemas of values that zod checks with code, by the ids in detections/schema.ts. */
const MAX_LISTED: Readonly<Record<string, () => Json>> = {
  field: () => ({ enum: [...FIELDS.keys()] }),
  exactField: () => ({ enum: EXACT_FIELDS }),
  machineType: () => ({ enum: MACHINE_TYPES }),
  tag: () => ({
    anyOf: [{ enum: ATTACK_TAGS }, { type: "string", pattern: "^(?!attack\\.)[a-z0-9_-]+\\." }],
  }),
  detection: () => ({ additionalProperties: { $ref: "#/definitions/selection" } }),
};

/** Returns the JSON schema of a document of a rule's file. Editors use it for completion, descriptions and most faults. */
function ruleSchema(): object {
  const any = z.union([eventRule, correlationRule, baseRule, countRule]);
  const schema = z.toJSONSchema(any, {
    io: "input",
    target: "draft-7",
    override: ({ zodSchema, jsonSchema }) => {
      const id = z.globalRegistry.get(zodSchema)?.id;
      if (id !== undefined) Object.assign(jsonSchema, MAX_LISTED[id]?.());
    },
  });
  return {
    ...schema,
    title: "A document of a detection rule of dhis2-siem (docs/write-a-rule.md)",
    definitions: { ...(schema.definitions as Json), selection: selection() },
  };
}

/** Returns the text of detections/rule.schema.json. */
export function ruleSchemaText(): Promise<string> {
  return format(JSON.stringify(ruleSchema()), { parser: "json", printWidth: 110 });
}
