import type { Detection } from "../../detections";
import { type Match, type Params, renderAll, variables } from "../../lab/standins/kibana/rule";
import { renderRule } from "../../render/rule";
import { kibanaRule } from "../../tools/detections/evaluate";

/** The document that a rule's action writes for a match, as Kibana fills it in: what the alert index's pipeline gets. */
export function alertDocument(detection: Detection, match: Match, now: Date): object {
  const rule = kibanaRule(detection);
  const { params, actions } = renderRule(detection, { dataStream: "logs" });
  const [action] = rule.actions;
  if (action === undefined) throw new Error(`${detection.name} has no action`);
  const at = now.toISOString();
  const alert = { id: match.id, uuid: "alert", start: at, consecutive: 1, notified: null };
  const values = variables(rule, JSON.parse(params) as Params, { action, alert, match }, now);
  const template = JSON.parse(actions[0]?.params ?? "{}") as { documents: object[] };
  const [document] = (renderAll(template, values) as typeof template).documents;
  return { ...document, "@timestamp": at };
}
