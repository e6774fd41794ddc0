import * as pulumi from "@pulumi/pulumi";
import { Agent } from "./components/agent";
import { AlertRelay } from "./components/alert-relay";
import { AlertStore } from "./components/alert-store";
import { Connectors } from "./components/connectors";
import { Credentials } from "./components/credentials";
import { DetectionRules } from "./components/detection-rules";
import { elasticContext } from "./components/elastic-provider";
import { ElasticStack } from "./components/elastic-stack";
import { Host } from "./components/host";
import { LogStore } from "./components/log-store";
import { Operator } from "./components/operator";
import { SiemContainer } from "./components/siem-container";
import { SiemHealth } from "./components/siem-health";
import { Views } from "./components/views";
import { loadFromPulumi } from "./config/pulumi";
import { loadDashboards } from "./dashboards";
import { siteDetections } from "./detections/site";
import { renderAlertMappings, renderMappings, renderPipelines } from "./pipelines";
import { reach } from "./connection";
import { loadRelayFiles } from "./relay";
import { renderDashboards, renderDataViews } from "./render/dashboards";
import { ELASTICSEARCH_PORT, KIBANA_PATH } from "./render/elastic";
import { renderLocation } from "./render/location";
import { RELAY_INDEX, renderRelayConfig, renderRelayMappings, renderRelayRules } from "./render/relay";
import { loadScripts } from "./scripts";

/** The whole graph: what the CLI and the lab both run. Its result is the stack's outputs. */
export = async () => {
  const { site, options, connection, ssh, deliveryIsSecret, deliverySecrets } = loadFromPulumi(__dirname);
  const { siem } = site;
  const dataStream = `logs-dhis2-${options.namespace}`;
  const alertIndex = `alerts-dhis2-${options.namespace}`;
  const kibanaUrl = `https://${site.fqdn}${KIBANA_PATH}`;
  const detections = siteDetections(__dirname, site, options);
  const pipelines = renderPipelines(options.namespace);

  const way = await reach(options, siem.ip, ssh);
  const host = new Host({ connection, lxdProject: options.lxdProject, scripts: loadScripts() });
  const credentials = new Credentials("credentials");
  const siemContainer = new SiemContainer("siem", { host, container: siem, options: options.siem });
  const stack = new ElasticStack("elastic", {
    host,
    container: siem,
    siem: siemContainer,
    options,
    fqdn: site.fqdn,
    credentials,
  });
  const elastic = elasticContext("elastic", {
    stack,
    password: credentials.elastic,
    reach: way,
  });

  const logStore = new LogStore("logs", {
    host,
    elastic,
    container: siem,
    siem: siemContainer,
    dataStream,
    retentionDays: options.retentionDays,
    mappings: renderMappings(),
    pipelines: pipelines.logs,
    entryPipeline: pipelines.entry,
  });
  const alertStore = new AlertStore("alerts", {
    elastic,
    index: alertIndex,
    mappings: renderAlertMappings(),
    pipeline: pipelines.alerts,
  });
  const { ca } = stack;
  const agents = new Map(
    site.agents.map((container) => {
      const location = container === site.proxy ? renderLocation(site, options.kibana) : undefined;
      const args = { host, elastic, container, options, fqdn: site.fqdn, siemAddress: siem.ip, ca, logStore };
      return [container.name, new Agent(`agent-${container.name}`, { ...args, location })];
    }),
  );
  const { delivery } = options;
  const { destinations } = delivery;
  const connectors =
    delivery.via === "connectors" && destinations.length > 0
      ? new Connectors("connectors", { elastic, destinations, secrets: deliverySecrets })
      : undefined;
  new DetectionRules(
    "rules",
    {
      elastic,
      detections,
      dataStream,
      connectorId: alertStore.connectorId,
      agents,
      more: connectors && ((detection) => connectors.actionsOf(detection)),
    },
    { dependsOn: [logStore] },
  );
  const dataViews = renderDataViews(options.namespace);
  new Views("views", {
    elastic,
    dataViews: Object.values(dataViews),
    dashboards: renderDashboards(loadDashboards(), {
      logsView: dataViews.logs.id,
      alertsView: dataViews.alerts.id,
    }),
  });
  if (delivery.via === "relay" && destinations.length > 0) {
    const { fqdn, timezone } = site;
    const alertsView = dataViews.alerts.id;
    const target = { fqdn, timezone, kibanaUrl, alertIndex, alertsView, stateIndex: RELAY_INDEX };
    new AlertRelay("relay", {
      ...{ host, elastic, stack, container: siem, siem: siemContainer, options, alertIndex },
      stateIndex: RELAY_INDEX,
      mappings: renderRelayMappings(),
      program: loadRelayFiles(),
      config: renderRelayConfig(target),
      rules: renderRelayRules(delivery, target, detections),
      rulesAreSecret: deliveryIsSecret,
      secrets: deliverySecrets,
    });
  }
  new SiemHealth("siem-health", {
    host,
    elastic,
    container: siem,
    fqdn: site.fqdn,
    siem: siemContainer,
    ca,
    logStore,
  });
  const operator = new Operator("operator", {
    elastic,
    password: credentials.operator,
    email: site.email,
    dataStream,
    alertIndex,
  });
  return {
    kibanaUrl,
    operator: { username: operator.username, password: pulumi.secret(credentials.operator) },
    elasticPassword: pulumi.secret(credentials.elastic),
    elasticsearch: `https://${siem.ip}:${ELASTICSEARCH_PORT}`,
    caFingerprint: stack.caFingerprint,
    dataStream,
    alertIndex,
    delivery: { via: delivery.via, destinations: destinations.map(({ name }) => name) },
    agents: site.agents.map(({ name, ip, type }) => ({ name, ip, type, keyId: agents.get(name)?.keyId })),
  };
};
