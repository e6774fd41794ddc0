import * as pulumi from "@pulumi/pulumi";
import { Agent } from "./components/agent";
import { AlertRelay } from "./components/alert-relay";
import { createAlerting } from "./components/alerting";
import { AlertStore } from "./components/alert-store";
import { Credentials } from "./components/credentials";
import { elasticContext } from "./components/elastic-provider";
import { ElasticStack } from "./components/elastic-stack";
import { Host } from "./components/host";
import { LogStore } from "./components/log-store";
import { SiemContainer } from "./components/siem-container";
import { SiemFirewall } from "./components/siem-firewall";
import { SiemHealth } from "./components/siem-health";
import { Views } from "./components/views";
import { loadFromPulumi } from "./config/pulumi";
import type { SiteContainer } from "./config/site";
import { prepareConnection } from "./connection";
import { siteDetections } from "./detections/site";
import { ELASTICSEARCH_PORT, kibanaUrl } from "./render/elastic";
import { firewallSources } from "./render/firewall";
import { loadScripts } from "./scripts";

/** The whole graph: what the CLI and the lab both run. Its result is the stack's outputs. */
export = async () => {
  const { site, options, keyPeriod, connection, ssh, deliveryIsSecret, deliverySecrets } =
    loadFromPulumi(__dirname);
  const { namespace, versions, packages, delivery } = options;
  const { fqdn, siem: container } = site;
  const detections = siteDetections(__dirname, site, options);
  const openConnection = await prepareConnection(options, container.ip, ssh);

  // The container, its servers, and the way to them.
  const host = new Host({ connection, lxdProject: options.lxdProject, scripts: loadScripts() });
  const credentials = new Credentials("credentials", options.accounts);
  const siem = new SiemContainer("siem", { host, container, options: options.siem });
  const sources = firewallSources(site, options);
  const firewall = new SiemFirewall("siem-firewall", { host, container, siem, sources });
  const servers = { host, container, siem, firewall, versions, packages, heap: options.siem.heap, fqdn };
  const stack = new ElasticStack("elastic", { ...servers, credentials });
  const { ca } = stack;
  const elastic = elasticContext("elastic", { stack, password: credentials.elastic, openConnection });

  // Logs and alerts, and who writes them.
  const { retentionDays } = options;
  const logStore = new LogStore("logs", { host, elastic, container, siem, namespace, retentionDays });
  const alertStore = new AlertStore("alerts", { elastic, namespace });
  const shared = { host, elastic, site, versions, packages, ca, logStore, keyPeriod };
  const forAgents = { ...shared, kibana: options.kibana };
  const createAgent = (machine: SiteContainer) =>
    new Agent(`agent-${machine.name}`, { ...forAgents, container: machine });
  const agents = new Map(site.agents.map((machine) => [machine.name, createAgent(machine)]));
  const itself = { host, elastic, container, siem, fqdn, ca, logStore, keyPeriod };
  new SiemHealth("siem-health", itself);

  // Rules, and how their alerts reach people.
  const forAlerts = { ...itself, credentials, alertStore, site, detections, namespace, delivery };
  const { operator, engineer, deliveredBy } = createAlerting({ ...forAlerts, deliverySecrets, agents });
  if (deliveredBy === "relay") {
    const relay = { keyPeriod, host, elastic, stack, siem, site, namespace, packages, delivery, detections };
    new AlertRelay("relay", { ...relay, rulesAreSecret: deliveryIsSecret, secrets: deliverySecrets });
  }

  // What people use.
  new Views("views", { elastic, namespace });
  return {
    kibanaUrl: kibanaUrl(fqdn),
    operator: { username: operator.username, password: pulumi.secret(credentials.operator) },
    ...(engineer && {
      engineer: { username: engineer.username, password: pulumi.secret(credentials.engineer) },
    }),
    elasticPassword: pulumi.secret(credentials.elastic),
    elasticsearch: `https://${container.ip}:${ELASTICSEARCH_PORT}`,
    caFingerprint: stack.caFingerprint,
    dataStream: logStore.dataStream,
    alertIndex: alertStore.index,
    delivery: { via: delivery.via, destinations: delivery.all.map(({ name }) => name) },
    agents: site.agents.map(({ name, ip, type }) => ({ name, ip, type, keyId: agents.get(name)?.keyId })),
  };
};
