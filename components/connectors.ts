import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { Destination } from "../config/delivery";
import { connectorName } from "../core/names";
import type { Detection } from "../detections";
import { getsAlertsOf, renderConnector, renderConnectorAction } from "../render/connectors";
import type { ElasticContext } from "./elastic-provider";

export interface ConnectorsArgs {
  /** The cluster whose Kibana gets them. */
  readonly elastic: ElasticContext;
  /** Where alerts go (`delivery.destinations` of the stack's config), such as one of type "slack". */
  readonly destinations: readonly Destination[];
  /** Each destination's secret, by its name; a destination without one has an empty text. */
  readonly secrets: Readonly<Record<string, pulumi.Output<string>>>;
}

/** One more action of a rule. */
export interface ConnectorAction {
  readonly id: pulumi.Output<string>;
  readonly params: string;
}

/** Kibana's own connectors, one for each destination, in place of the relay: for a paid licence. */
export class Connectors extends pulumi.ComponentResource {
  private readonly ids: ReadonlyMap<Destination, pulumi.Output<string>>;

  constructor(name: string, args: ConnectorsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("dhis2-siem:index:Connectors", name, {}, opts);
    this.ids = new Map(args.destinations.map((one) => [one, this.connector(name, one, args)]));
    this.registerOutputs({ destinations: args.destinations.map((one) => one.name) });
  }

  private connector(name: string, one: Destination, args: ConnectorsArgs): pulumi.Output<string> {
    const rendered = pulumi
      .secret(args.secrets[one.name] ?? "")
      .apply((secret) => renderConnector(one, secret));
    return new elasticstack.KibanaActionConnector(
      `${name}-${one.name}`,
      {
        name: connectorName(one.name),
        connectorTypeId: renderConnector(one, "").connectorTypeId,
        // Secret too: a webhook's header or address may be one.
        config: rendered.config,
        secrets: rendered.secrets,
      },
      args.elastic.options(this),
    ).connectorId;
  }

  /** What a detection's rule does beside writing the alert. */
  actionsOf(detection: Detection): ConnectorAction[] {
    return [...this.ids]
      .filter(([one]) => getsAlertsOf(one, detection))
      .map(([one, id]) => ({ id, params: renderConnectorAction(one, detection) }));
  }
}
