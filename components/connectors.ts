import * as pulumi from "@pulumi/pulumi";
import * as elasticstack from "@pulumi/elasticstack";
import type { Destination } from "../config/delivery";
import { connectorName } from "../core/names";
import type { Detection } from "../detections";
import { getsAlertsOf, renderConnector, renderConnectorAction } from "../render/connectors";
import type { ElasticContext } from "./elastic-provider";

export interface ConnectorsArgs {
  /** The cluster whose Kibana gets the connectors. */
  readonly elastic: ElasticContext;
  /** Where alerts go (`delivery.destinations` of the stack's config), such as one of type "slack". */
  readonly destinations: readonly Destination[];
  /** Each destination's secret, by its name; a destination without one has an empty text. */
  readonly secrets: Readonly<Record<string, pulumi.Output<string>>>;
}

/** An additional action of a rule. */
export interface ConnectorAction {
  readonly id: pulumi.Output<string>;
  readonly params: string;
}

/** Creates one of Kibana's own connectors for each destination. They need a paid licence and replace the relay. */
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
        // The settings are secret too: a webhook's header or address can contain a secret.
        config: rendered.config,
        secrets: rendered.secrets,
      },
      args.elastic.options(this),
    ).connectorId;
  }

  /** Returns the actions of a detection's rule that are added to the action that writes the alert. */
  actionsOf(detection: Detection): ConnectorAction[] {
    return [...this.ids]
      .filter(([one]) => getsAlertsOf(one, detection))
      .map(([one, id]) => ({ id, params: renderConnectorAction(one, detection) }));
  }
}
