import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { Detection } from "../detections";
import { stableJson } from "../core/json";
import type { RenderedRole } from "../render/roles";
import { renderRule } from "../render/rule";
import type { Connectors } from "./connectors";
import type { ElasticContext } from "./elastic-provider";

export interface DetectionRulesArgs {
  /** The cluster whose Kibana runs them, with the login that saves them: they run with its rights. */
  readonly elastic: ElasticContext;
  /** That login's role: a rule keeps the rights of the day it was saved, so it is recreated when they change. */
  readonly role: RenderedRole;
  /** The site's detections (detections/site.ts); those that are off become no rule. */
  readonly detections: readonly Detection[];
  /** The data stream that they search, such as "logs-dhis2-default". */
  readonly dataStream: string;
  /** The connector that each alert is written through. */
  readonly connectorId: pulumi.Input<string>;
  /** Kibana's own connectors, where alerts go to people by them. Default: the relay delivers, or nothing does. */
  readonly connectors?: Connectors;
  /**
   * The agents by their container. A rule that watches for a container's silence is made once its agent was seen to deliver,
   * and goes before it: else it would alert at every coming and going.
   */
  readonly agents: ReadonlyMap<string, pulumi.Resource>;
}

/** One Kibana rule for each detection that is on. */
export class DetectionRules extends pulumi.ComponentResource {
  constructor(name: string, args: DetectionRulesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:DetectionRules", name, {}, opts);
    // The provider creates a rule enabled whatever is asked, and would want to disable it at the next update.
    const on = args.detections.filter(({ enabled }) => enabled);
    for (const detection of on) {
      const rule = renderRule(detection, { dataStream: args.dataStream });
      new elasticstack.KibanaAlertingRule(
        `${name}-${detection.name}`,
        {
          ...rule,
          actions: rule.actions.flatMap((action) => [
            { ...action, id: args.connectorId },
            ...(args.connectors?.actionsOf(detection) ?? []).map((other) => ({ ...action, ...other })),
          ]),
        },
        args.elastic.options(this, {
          replacementTrigger: stableJson(args.role),
          // A rule keeps its id: the provider would create it a second time before it deletes it.
          deleteBeforeReplace: true,
          dependsOn: agentOf(detection, args.agents),
        }),
      );
    }
    this.registerOutputs({ count: on.length });
  }
}

function agentOf({ watched = "" }: Detection, agents: DetectionRulesArgs["agents"]): pulumi.Resource[] {
  const agent = agents.get(watched);
  return agent ? [agent] : [];
}
