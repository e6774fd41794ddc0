import type { Severity } from "../core/values";

/** The facts about a rule that its alerts contain. */
export interface AlertingRule {
  readonly description: string;
  readonly severity: Severity;
  /** Sigma's tags, including those of ATT&CK ("attack.t1110.001", "attack.credential-access"). */
  readonly tags: readonly string[];
  /** What the analyst must do. */
  readonly note: string;
  /** The time in which the rule counts, such as "5m". */
  readonly window: string;
  /** From how many events on the rule fires, such as ">= 3". */
  readonly threshold: string;
  /** How many events there were, as mustache. */
  readonly count: string;
  /** The fields whose values identify the entity. If the rule groups by fields, these fields. */
  readonly entityFields: readonly string[];
  /**
   * The entity, if it is known beforehand; "{{alert.id}}" if the rule groups by it. Default: the pipeline reads it from the events.
   */
  readonly entity?: string;
}

/**
 * Returns the document that Kibana's `.index` connector writes for an alert. `pipelines/alerts.yml` reads it. Every value is a text,
 * because the connector fills in mustache (without escaping); the pipeline makes lists, numbers and objects of the texts. The
 * connector adds the time (`executionTimeField`).
 */
export function renderAlertDocument(rule: AlertingRule): object {
  const attack = rule.tags.flatMap((tag) => (tag.startsWith("attack.") ? [tag.slice("attack.".length)] : []));
  const techniques = attack.filter((tag) => /^t\d/.test(tag)).map((tag) => tag.toUpperCase());
  return {
    rule: { id: "{{rule.id}}", name: "{{rule.name}}", description: rule.description },
    threat: {
      tactic: { name: attack.filter((tag) => !/^[tgs]\d/.test(tag)).join(",") },
      technique: { id: techniques.join(",") },
    },
    dhis2: {
      alert: {
        id: "{{alert.id}}",
        uuid: "{{alert.uuid}}",
        link: "{{context.link}}",
        severity: rule.severity,
        entity: rule.entity ?? "",
        entity_fields: rule.entityFields.join(","),
        count: rule.count,
        threshold: rule.threshold,
        window: rule.window,
        note: rule.note,
        events: "{{context.hits.asJSON}}",
      },
    },
  };
}
