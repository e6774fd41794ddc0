import { errorText } from "../../core/errors";
import type { Options, Site } from "../../config/site";
import { asRoot } from "../../render/bundle";
import { ELASTICSEARCH_PORT, KIBANA_PATH, KIBANA_PORT } from "../../render/elastic";
import { RELAY_INDEX } from "../../core/names";
import type { Runner } from "../site/discover";
import { type Ask, elasticsearchFacts, kibanaFacts, relayFacts } from "./elastic";
import type { Answer, Facts } from "./facts";
import { lookBundle, readHostFacts } from "./host-facts";
import { type Open, send, type Server } from "./servers";
import type { State } from "./state";

/** The ways to a site: commands on its host, and connections to addresses behind it. */
export interface Ways {
  readonly run: Runner;
  readonly open: Open;
}

/** What the stack's config and state say. */
export interface Known {
  readonly site: Site;
  readonly options: Options;
  readonly state: State;
}

/**
 * A bundle on the host, as the stack runs its own: as root, on stdin. It may take a minute for the host and one for each
 * container: host.sh and canary.sh go through them one by one, and wait no longer for one that hangs.
 */
export function runBundle(ways: Ways, { site, options }: Known, bundle: string): Promise<string> {
  return ways.run(asRoot(options.host.user, "bash -s"), bundle, 60 * (1 + site.containers.length));
}

/** How to ask the SIEM's Elasticsearch or Kibana, as `elastic`. */
export function asker(ways: Ways, { site, state }: Known, port: number): Ask {
  const server: Server = {
    host: site.siem.ip,
    port,
    name: site.siem.name,
    ca: state.ca,
    login: { user: "elastic", password: state.elasticPassword },
  };
  return (method, path, body) => send(ways.open, server, method, path, body);
}

/** Looks at everything at once, and changes nothing. Throws where the host itself cannot be looked at. */
export async function gather(ways: Ways, known: Known, now = Date.now()): Promise<Facts> {
  const { site, options, state } = known;
  const names = [...site.agents, site.siem].map(({ name }) => name);
  const ask = asker(ways, known, ELASTICSEARCH_PORT);
  const proxy = { host: site.proxy.ip, port: 443, name: site.fqdn };
  const [host, elasticsearch, kibana, viaProxy, relay] = await Promise.all([
    runBundle(ways, known, lookBundle(options.lxdProject, names, state)).then(readHostFacts),
    answer(elasticsearchFacts(ask, state, now)),
    answer(kibanaFacts(asker(ways, known, KIBANA_PORT))),
    answer(send(ways.open, proxy, "GET", `${KIBANA_PATH}/api/status`).then(({ status }) => status)),
    state.delivers ? answer(relayFacts(ask, RELAY_INDEX)) : undefined,
  ]);
  return { now, ...host, elasticsearch, kibana, proxy: viaProxy, ...(relay && { relay }) };
}

function answer<T>(value: Promise<T>): Promise<Answer<T>> {
  return value.then(
    (good) => ({ ok: true, value: good }),
    (error: unknown) => ({ ok: false, why: errorText(error) }),
  );
}
