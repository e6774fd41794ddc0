import type { Severity } from "../core/values";

/** What an alert says of its rule. */
export interface AlertingRule {
  readonly description: string;
  readonly severity: Severity;
  /** Sigma's tags; ATT&CK's among them ("attack.t1110.001", "attack.credential-access"). */
  readonly tags: readonly string[];
  /** For the analyst. */
  readonly note: string;
  /** "5m" */
  readonly window: string;
  /** ">= 3" */
  readonly threshold: string;
  /** Mustache: how many there were. */
  readonly count: string;
  /** The fields that the entity is made of; for a grouped rule those that it groups by. */
  readonly entityFields: readonly string[];
  /** Whom it is about where that is known beforehand, or "{{alert.id}}" where the rule groups by it; else the events say it. */
  readonly entity?: string;
}

/**
 * The document that Kibana's `.index` connector writes for an alert: the contract with `pipelines/alerts.yml`. Each leaf is
 * a text, as the connector makes texts of everything (mustache, not escaped); the pipeline makes lists, numbers and
 * objects of them. The time is the connector's (`executionTimeField`).
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
