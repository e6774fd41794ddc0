import { errorText } from "../../core/errors";
import type { Options, Site } from "../../config/site";
import { asRoot } from "../../render/bundle";
import { ELASTICSEARCH_PORT, KIBANA_PATH, KIBANA_PORT } from "../../render/elastic";
import { RELAY_INDEX } from "../../core/names";
import type { RunOnHost } from "../site/discover";
import { type SendRequest, readElasticsearchFacts, readKibanaFacts, readRelayFacts } from "./server-facts";
import type { ProbeResult, Facts } from "./facts";
import { hostFactsBundle, readHostFacts } from "./host-facts";
import { readKibanaClients } from "./kibana-clients";
import { type OpenConnection, sendToServer, type Server } from "./send-to-server";
import type { State } from "./state";

/** How to reach a site: run a command on its host, and open a connection to an address behind the host. */
export interface HostConnection {
  readonly run: RunOnHost;
  readonly openConnection: OpenConnection;
}

/** A stack as its config, its site's file and its state describe it. */
export interface DeployedStack {
  readonly site: Site;
  readonly options: Options;
  readonly state: State;
}

/**
 * Runs a bundle on the host as root and returns its stdout. Throws if the bundle fails or takes too long: it has a minute
 * for the host and a minute for each container, because host.sh and canary.sh visit the containers one by one and give a
 * container that hangs a minute.
 */
export function runBundle(
  connection: HostConnection,
  { site, options }: DeployedStack,
  bundle: string,
): Promise<string> {
  return connection.run(asRoot(options.host.user, "bash -s"), bundle, 60 * (1 + site.containers.length));
}

/** Returns a function that sends requests, as the user `elastic`, to the SIEM's server on `port`: Elasticsearch or Kibana. */
export function requestSender(
  connection: HostConnection,
  { site, state }: DeployedStack,
  port: number,
): SendRequest {
  const server: Server = {
    host: site.siem.ip,
    port,
    name: site.siem.name,
    ca: state.ca,
    login: { user: "elastic", password: state.elasticPassword },
  };
  return (method, path, body) => sendToServer(connection.openConnection, server, method, path, body);
}

/**
 * Reads the facts of the host, its containers and the servers, all at once. Changes nothing. A server that does not answer
 * is a fact with its error. Throws if the host itself does not answer.
 */
export async function gatherFacts(
  connection: HostConnection,
  deployed: DeployedStack,
  now = Date.now(),
): Promise<Facts> {
  const { site, options, state } = deployed;
  const names = [...site.agents, site.siem].map(({ name }) => name);
  const send = requestSender(connection, deployed, ELASTICSEARCH_PORT);
  const proxy = { host: site.proxy.ip, port: 443, name: site.fqdn };
  const [host, elasticsearch, kibana, viaProxy, clients, relay] = await Promise.all([
    runBundle(connection, deployed, hostFactsBundle(options.lxdProject, names, state)).then(readHostFacts),
    toResult(readElasticsearchFacts(send, state, now)),
    toResult(readKibanaFacts(requestSender(connection, deployed, KIBANA_PORT))),
    toResult(
      sendToServer(connection.openConnection, proxy, "GET", `${KIBANA_PATH}/api/status`).then(
        ({ status }) => status,
      ),
    ),
    toResult(readKibanaClients(send, state.dataStream, site, options.kibana)),
    state.delivers ? toResult(readRelayFacts(send, RELAY_INDEX)) : undefined,
  ]);
  return {
    now,
    ...host,
    elasticsearch,
    kibana,
    proxy: viaProxy,
    kibanaClients: clients,
    ...(relay && { relay }),
  };
}

function toResult<T>(value: Promise<T>): Promise<ProbeResult<T>> {
  return value.then(
    (good) => ({ ok: true, value: good }),
    (error: unknown) => ({ ok: false, error: errorText(error) }),
  );
}
