import type { Detection } from "../../detections";
import { renderAll, variables } from "../../kibana/templates";
import { renderRule } from "../../render/rule";
import type { Match } from "../../kibana/es-query";

/** The document that a rule's action writes for a match, as Kibana fills it in: what the alert index's pipeline gets. */
export function alertDocument(detection: Detection, match: Match, now: Date): object {
  const { ruleId: id, name, actions } = renderRule(detection, { dataStream: "logs" });
  const values = variables({ id, name }, { alert: { uuid: "alert", acted: {} }, match }, now);
  const template = JSON.parse(actions[0]?.params ?? "{}") as { documents: object[] };
  const [document] = renderAll(template, values).documents;
  return { ...document, "@timestamp": now.toISOString() };
}
