import * as pulumi from "@pulumi/pulumi";
import { Account } from "./components/account";
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
import { SiemContainer } from "./components/siem-container";
import { SiemFirewall } from "./components/siem-firewall";
import { SiemHealth } from "./components/siem-health";
import { SiemWatch } from "./components/siem-watch";
import { Views } from "./components/views";
import { loadFromPulumi } from "./config/pulumi";
import {
  agentKeyName,
  ENGINEER,
  ENGINEER_ROLE,
  healthKeyName,
  OPERATOR,
  OPERATOR_ROLE,
  RELAY_KEY,
  RULES_ROLE,
  RULES_USER,
  WATCH_KEY,
} from "./core/names";
import { prepareConnection } from "./connection";
import { renderPipelines } from "./pipelines";
import { renderRule } from "./render/rule";
import { siteDetections } from "./detections/site";
import { ELASTICSEARCH_PORT, kibanaUrl } from "./render/elastic";
import { firewallSources } from "./render/firewall";
import { renderEngineerRole, renderOperatorRole, renderRulesRole } from "./render/roles";
import { renderWatch } from "./render/watch";
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
  const servers = {
    host,
    container,
    siem,
    firewall,
    versions,
    packages,
    heap: options.siem.heap,
    fqdn,
    credentials,
  };
  const stack = new ElasticStack("elastic", servers);
  const { ca } = stack;
  const elastic = elasticContext("elastic", { stack, password: credentials.elastic, openConnection });

  // Logs and alerts, and who writes them.
  const { retentionDays } = options;
  const logStore = new LogStore("logs", { host, elastic, container, siem, namespace, retentionDays });
  const alertStore = new AlertStore("alerts", { elastic, namespace });
  const watch = { host, elastic, site, versions, packages, kibana: options.kibana, ca, logStore, keyPeriod };
  const agents = new Map(
    site.agents.map((machine) => [
      machine.name,
      new Agent(`agent-${machine.name}`, { ...watch, container: machine }),
    ]),
  );
  new SiemHealth("siem-health", { host, elastic, container, siem, fqdn, ca, logStore, keyPeriod });

  // Rules, and how their alerts reach people.
  const { dataStream } = logStore;
  const { connectorId, index: alertIndex } = alertStore;
  const { via, destinations } = delivery;
  const deliveredBy = destinations.length > 0 ? via : undefined;
  const secrets = deliverySecrets;
  const connectors =
    deliveredBy === "connectors"
      ? new Connectors("connectors", { elastic, destinations, secrets })
      : undefined;
  // Kibana runs a rule with the rights of the user who saved it last: the stack saves them as a user who may do little.
  const target = { dataStream, alertIndex };
  const pipelines = renderPipelines(namespace);
  const role = renderRulesRole(target);
  const rulesUser = new Account("rules-account", {
    elastic,
    username: RULES_USER,
    fullName: "Runs the SIEM's rules",
    password: credentials.rules,
    roleName: RULES_ROLE,
    role,
  });
  const { user } = rulesUser;
  const asRules = elastic.as("elastic-rules", { username: RULES_USER, password: credentials.rules, user });
  // The watch expects what the stack deploys. Rules about silence are made once those that they watch deliver.
  const expected = renderWatch({
    rules: detections.filter(({ enabled }) => enabled).map((one) => renderRule(one, { dataStream })),
    rulesUser: RULES_USER,
    savers: [RULES_USER, ...(options.accounts.engineer ? [ENGINEER] : [])],
    users: {
      [OPERATOR]: OPERATOR_ROLE,
      [RULES_USER]: RULES_ROLE,
      ...(options.accounts.engineer && { [ENGINEER]: ENGINEER_ROLE }),
    },
    roles: {
      [OPERATOR_ROLE]: renderOperatorRole(target),
      [RULES_ROLE]: role,
      ...(options.accounts.engineer && { [ENGINEER_ROLE]: renderEngineerRole(target) }),
    },
    keys: [
      ...site.agents.map(({ name }) => agentKeyName(name)),
      healthKeyName(container.name),
      WATCH_KEY,
      ...(deliveredBy === "relay" ? [RELAY_KEY] : []),
    ],
    pipelines: [...pipelines.logs, pipelines.alerts],
    indexPipelines: {
      [dataStream]: { "index.final_pipeline": pipelines.entry },
      [alertIndex]: { "index.default_pipeline": pipelines.alerts.name },
    },
  });
  const itself = { host, elastic, container, siem, fqdn, ca, logStore, alertIndex, keyPeriod, expected };
  const siemWatch = new SiemWatch("siem-watch", itself);
  const watched = new Map<string, pulumi.Resource>([...agents, [container.name, siemWatch]]);
  const rules = { elastic: asRules, role, detections, dataStream, connectorId, agents: watched, connectors };
  new DetectionRules("rules", rules, { dependsOn: [logStore] });
  // Accounts of people, and the watch over all of this.
  const person = { elastic, email: site.email };
  const operator = new Account(
    "operator",
    {
      ...person,
      username: OPERATOR,
      fullName: "Operator of the SIEM",
      password: credentials.operator,
      roleName: OPERATOR_ROLE,
      role: renderOperatorRole(target),
    },
    { aliases: [{ type: "dhis2-siem:index:Operator" }] },
  );
  const { engineer: engineerPassword } = credentials;
  const engineer =
    engineerPassword &&
    new Account("engineer", {
      ...person,
      username: ENGINEER,
      fullName: "Engineer of the SIEM's rules",
      password: engineerPassword,
      roleName: ENGINEER_ROLE,
      role: renderEngineerRole(target),
    });
  if (deliveredBy === "relay") {
    const alerts = { delivery, detections, rulesAreSecret: deliveryIsSecret, secrets };
    new AlertRelay("relay", { keyPeriod, host, elastic, stack, siem, site, namespace, packages, ...alerts });
  }

  // What people use.
  new Views("views", { elastic, namespace });
  return {
    kibanaUrl: kibanaUrl(fqdn),
    operator: { username: operator.username, password: pulumi.secret(credentials.operator) },
    ...(engineer && {
      engineer: { username: engineer.username, password: pulumi.secret(engineerPassword) },
    }),
    elasticPassword: pulumi.secret(credentials.elastic),
    elasticsearch: `https://${container.ip}:${ELASTICSEARCH_PORT}`,
    caFingerprint: stack.caFingerprint,
    dataStream,
    alertIndex,
    delivery: { via, destinations: destinations.map(({ name }) => name) },
    agents: site.agents.map(({ name, ip, type }) => ({ name, ip, type, keyId: agents.get(name)?.keyId })),
  };
};
