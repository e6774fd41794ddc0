/** A rule of this project as Kibana's API accepts it (8.19), with the defaults that Kibana adds. */
import { randomUUID } from "node:crypto";
import { z } from "zod";

/**
 * Kibana's name for the group of a rule's actions, and for the alert of a rule without groups (ConditionMetAlertInstanceId).
 * Muting that alert mutes the rule.
 */
export const MATCHED = "query matched";

const text = z.string();
const anything = z.record(text, z.unknown());
const duration = text.regex(/^[1-9]\d*[smhd]$/, "string is not a valid duration");

const action = z.strictObject({
  id: text,
  group: z.literal(MATCHED),
  params: z.strictObject({ documents: z.array(anything) }),
  uuid: text.default(() => randomUUID()),
  connector_type_id: z.literal(".index").default(".index"),
  frequency: z.strictObject({
    summary: z.literal(false),
    notify_when: z.enum(["onActionGroupChange", "onActiveAlert", "onThrottleInterval"]),
    throttle: duration.nullable().default(null),
  }),
});

/** The body of the request that creates a rule (POST). */
export const ruleCreate = z.strictObject({
  name: text,
  rule_type_id: text,
  consumer: z.enum(["alerts", "stackAlerts", "logs", "infrastructure"]),
  enabled: z.boolean().default(true),
  tags: z.array(text).default([]),
  schedule: z.strictObject({ interval: duration }),
  params: anything,
  actions: z.array(action).default([]),
  // In this project each action has its own frequency.
  throttle: z.null().default(null),
  notify_when: z.null().default(null),
});
/** The body of the request that changes a rule (PUT). */
export const ruleUpdate = ruleCreate.omit({ rule_type_id: true, consumer: true, enabled: true });
