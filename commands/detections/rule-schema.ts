import { format } from "prettier";
import { z } from "zod";
import type { Json } from "../../core/json";
import { ATTACK_TAGS, EXACT_FIELDS, FIELDS } from "../../detections/known";
import { baseRule, correlationRule, countRule, eventRule } from "../../detections/schema";
import { MACHINE_TYPES } from "../../machines";

/** What a selection may be: conditions on fields, or several such of which one has to fit. */
function selection(): Json {
  const one = {
    type: "object",
    // For completion; with a modifier behind the name, such as "url.path|contains", a field may stand too.
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

/** What the parts of the schema may hold that its code looks up, by their names in it. */
const LISTED: Readonly<Record<string, () => Json>> = {
  field: () => ({ enum: [...FIELDS.keys()] }),
  exactField: () => ({ enum: EXACT_FIELDS }),
  machineType: () => ({ enum: MACHINE_TYPES }),
  tag: () => ({
    anyOf: [{ enum: ATTACK_TAGS }, { type: "string", pattern: "^(?!attack\\.)[a-z0-9_-]+\\." }],
  }),
  detection: () => ({ additionalProperties: { $ref: "#/definitions/selection" } }),
};

/** The JSON schema of a document of a rule's file, for editors: completion, descriptions, most faults. */
function ruleSchema(): object {
  const any = z.union([eventRule, correlationRule, baseRule, countRule]);
  const schema = z.toJSONSchema(any, {
    io: "input",
    target: "draft-7",
    override: ({ zodSchema, jsonSchema }) => {
      const id = z.globalRegistry.get(zodSchema)?.id;
      if (id !== undefined) Object.assign(jsonSchema, LISTED[id]?.());
    },
  });
  return {
    ...schema,
    title: "A document of a detection rule of dhis2-siem (docs/write-a-rule.md)",
    definitions: { ...(schema.definitions as Json), selection: selection() },
  };
}

/** The text of detections/rule.schema.json. */
export function ruleSchemaText(): Promise<string> {
  return format(JSON.stringify(ruleSchema()), { parser: "json", printWidth: 110 });
}
