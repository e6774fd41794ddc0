import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { Detection } from "../detections";
import { stableJson } from "../core/json";
import type { RenderedRole } from "../render/roles";
import { renderRule } from "../render/rule";
import type { Connectors } from "./connectors";
import type { ElasticContext } from "./elastic-provider";

export interface DetectionRulesArgs {
  /** The cluster whose Kibana runs the rules, and the login that saves them. The rules run with the rights of this login. */
  readonly elastic: ElasticContext;
  /** The role of this login. A rule keeps the rights that it was saved with, so it is recreated if the role changes. */
  readonly role: RenderedRole;
  /** The site's detections (detections/site.ts). Those that are off get no rule. */
  readonly detections: readonly Detection[];
  /** The data stream that the rules search, such as "logs-dhis2-default". */
  readonly dataStream: string;
  /** The connector through which each alert is written. */
  readonly connectorId: pulumi.Input<string>;
  /** Kibana's own connectors, if they deliver the alerts. Default: the relay delivers them, or they are not delivered. */
  readonly connectors?: Connectors;
  /**
   * The agents by their container. A rule that watches for a container's silence is created after its agent has delivered, and
   * deleted before the agent. Otherwise it would alert each time a container is added or removed.
   */
  readonly agents: ReadonlyMap<string, pulumi.Resource>;
}

/** Creates a Kibana rule for each detection that is on. */
export class DetectionRules extends pulumi.ComponentResource {
  constructor(name: string, args: DetectionRulesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:DetectionRules", name, {}, opts);
    // The provider always creates a rule enabled, and would want to disable it at the next update.
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
          // A rule keeps its id. Without this, the provider would create the new rule before it deletes the old one.
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
