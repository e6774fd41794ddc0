import type * as pulumi from "@pulumi/pulumi";
import type { Delivery } from "../config/delivery";
import type { Site } from "../config/site";
import { RULES_USER } from "../core/names";
import type { Detection } from "../detections";
import { renderRulesRole } from "../render/roles";
import { renderStackWatch } from "../render/watch";
import { createAccounts } from "./accounts";
import type { AlertStore } from "./alert-store";
import { Connectors } from "./connectors";
import type { Credentials } from "./credentials";
import { DetectionRules } from "./detection-rules";
import { SiemWatch, type SiemWatchArgs } from "./siem-watch";

export interface AlertingArgs extends Omit<SiemWatchArgs, "alertIndex" | "machines" | "expected"> {
  readonly credentials: Credentials;
  /** Where alerts are stored. */
  readonly alertStore: AlertStore;
  readonly site: Site;
  /** The site's detections, with its settings applied. */
  readonly detections: readonly Detection[];
  /** The stack's `namespace`, such as "default". */
  readonly namespace: string;
  /** Where alerts go. */
  readonly delivery: Delivery;
  /** Each destination's secret, by its name. */
  readonly deliverySecrets: Readonly<Record<string, pulumi.Output<string>>>;
  /** Each machine's agent, by the machine's name: rules about silence are created once these deliver. */
  readonly agents: ReadonlyMap<string, pulumi.Resource>;
}

/**
 * Creates the accounts, the rules, and the watch over all of these. Kibana runs a rule with the rights of the user who saved it
 * last, so the rules are saved as a user who may do little. Returns the accounts, and how alerts are delivered.
 */
export function createAlerting(args: AlertingArgs) {
  const { elastic, credentials, site, detections, namespace, delivery, logStore, container } = args;
  const { dataStream } = logStore;
  const { connectorId, index: alertIndex } = args.alertStore;
  const target = { dataStream, alertIndex };
  const { destinations } = delivery;
  const deliveredBy = destinations.length > 0 ? delivery.via : undefined;
  const connectors =
    deliveredBy === "connectors"
      ? new Connectors("connectors", { elastic, destinations, secrets: args.deliverySecrets })
      : undefined;
  const accounts = createAccounts({ elastic, credentials, email: site.email, target });
  const siemWatch = new SiemWatch("siem-watch", {
    ...args,
    alertIndex,
    machines: [...site.agents, container].map((machine) => machine.name),
    expected: renderStackWatch({
      site,
      hasEngineer: accounts.engineer !== undefined,
      hasRelay: deliveredBy === "relay",
      detections,
      namespace,
      target,
    }),
  });
  const login = { username: RULES_USER, password: credentials.rules, user: accounts.rules.user };
  new DetectionRules(
    "rules",
    {
      elastic: elastic.as("elastic-rules", login),
      role: renderRulesRole(target),
      detections,
      dataStream,
      connectorId,
      connectors,
      agents: new Map([...args.agents, [container.name, siemWatch]]),
    },
    { dependsOn: [logStore] },
  );
  return { ...accounts, deliveredBy };
}
