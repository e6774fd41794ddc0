/** A rule of Kibana's, as its API in 8.19 takes it from this project: what it refuses, and the defaults that it adds. */
import { randomUUID } from "node:crypto";
import { z } from "zod";

/**
 * What Kibana calls the one group of a rule's actions, and the alert of a rule that has no groups
 * (ConditionMetAlertInstanceId): who mutes that one mutes the rule.
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

/** The bodies of POST on rules (a new one) and of PUT on one. */
export const ruleCreate = z.strictObject({
  name: text,
  rule_type_id: text,
  consumer: z.enum(["alerts", "stackAlerts", "logs", "infrastructure"]),
  enabled: z.boolean().default(true),
  tags: z.array(text).default([]),
  schedule: z.strictObject({ interval: duration }),
  params: anything,
  actions: z.array(action).default([]),
  // Here each action has its own.
  throttle: z.null().default(null),
  notify_when: z.null().default(null),
});
export const ruleUpdate = ruleCreate.omit({ rule_type_id: true, consumer: true, enabled: true });
