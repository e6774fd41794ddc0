/** Who was let in to Kibana at the site's proxy, by the proxy's own log. */
import { z } from "zod";
import type { Options, Site } from "../../config/site";
import { KIBANA_PATH } from "../../render/elastic";
import { parseReply, type SendRequest } from "./server-facts";

/** Requests to Kibana in the last seven days that the proxy let in, though they came from outside. */
export interface KibanaClients {
  readonly count: number;
  /** The time of the newest one, in milliseconds since 1970; 0 if there is none. */
  readonly newest: number;
  /** The addresses with the most requests, at most five. */
  readonly addresses: readonly string[];
  /** All requests to the proxy in the last day, to DHIS2 too, and how many came from its most frequent address. */
  readonly proxy: { readonly requests: number; readonly address: string; readonly fromAddress: number };
}

/** Addresses that are not the internet's: private, shared (RFC 6598), loopback and link-local ones. */
const PRIVATE = [
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"],
  ...["fc00::/7", "fe80::/10", "::1/128"],
];

/** Replies that a proxy gives before it looks who asks, or because of that: the request did not reach Kibana. */
const NOT_LET_IN = [400, 403, 405, 408, 411, 413, 414, 417, 421, 431, 444, 494, 495, 496, 497];

const total = z.object({ value: z.number() });
const day = z.object({
  hits: z.object({ total }),
  aggregations: z
    .object({
      addresses: z.object({ buckets: z.array(z.object({ key: z.string(), doc_count: z.number() })) }),
    })
    .optional(),
});
const reply = z.object({
  hits: z.object({ total }),
  // Missing if there is no log stream yet.
  aggregations: z
    .object({
      newest: z.object({ value: z.number().nullable() }),
      addresses: z.object({ buckets: z.array(z.object({ key: z.string() })) }),
    })
    .optional(),
});

/** The search for the day's requests to the proxy. */
const REQUESTS_OF_A_DAY = {
  size: 0,
  track_total_hits: true,
  query: {
    bool: {
      filter: [
        { range: { "event.ingested": { gte: "now-1d" } } },
        { terms: { "event.dataset": ["nginx.access", "apache.access"] } },
        { exists: { field: "source.ip" } },
      ],
      // Programs of the proxy's own, such as munin-node.
      must_not: [{ terms: { "source.ip": ["127.0.0.0/8", "::1/128"] } }],
    },
  },
  aggs: { addresses: { terms: { field: "source.ip", size: 1 } } },
};

/** Returns the search for requests to Kibana from addresses that are neither private nor in these networks. */
export function outsideRequests(allowFrom: readonly string[]): object {
  const redirect = [{ term: { "url.path": KIBANA_PATH } }, { term: { "http.response.status_code": 302 } }];
  return {
    size: 0,
    track_total_hits: true,
    query: {
      bool: {
        filter: [
          { range: { "event.ingested": { gte: "now-7d" } } },
          { terms: { "event.dataset": ["nginx.access", "apache.access"] } },
          { exists: { field: "source.ip" } },
          {
            bool: {
              should: [{ term: { "url.path": KIBANA_PATH } }, { prefix: { "url.path": `${KIBANA_PATH}/` } }],
              minimum_should_match: 1,
            },
          },
        ],
        must_not: [
          { terms: { "http.response.status_code": NOT_LET_IN } },
          // nginx sends everybody from the path without a slash at its end to the one with it.
          { bool: { filter: redirect } },
          { terms: { "source.ip": [...PRIVATE, ...allowFrom] } },
        ],
      },
    },
    aggs: {
      newest: { max: { field: "event.ingested" } },
      addresses: { terms: { field: "source.ip", size: 5 } },
    },
  };
}

/**
 * Returns who was let in from outside (if everybody may, nobody counts as such), and the proxy's most frequent client. Throws an Error of one line if the request fails.
 * @param send sends a request to Elasticsearch
 */
export async function readKibanaClients(
  send: SendRequest,
  dataStream: string,
  { network }: Pick<Site, "network">,
  { allowFrom, allowEveryone }: Options["kibana"],
): Promise<KibanaClients> {
  const path = `/${dataStream}/_search?ignore_unavailable=true`;
  const networks = allowEveryone ? ["0.0.0.0/0", "::/0"] : allowFrom.length > 0 ? allowFrom : [network.cidr];
  const [{ hits, aggregations }, all] = await Promise.all([
    parseReply(send("POST", path, outsideRequests(networks)), reply),
    parseReply(send("POST", path, REQUESTS_OF_A_DAY), day),
  ]);
  const first = all.aggregations?.addresses.buckets[0];
  return {
    proxy: { requests: all.hits.total.value, address: first?.key ?? "", fromAddress: first?.doc_count ?? 0 },
    count: hits.total.value,
    newest: aggregations?.newest.value ?? 0,
    addresses: aggregations?.addresses.buckets.map(({ key }) => key) ?? [],
  };
}
