import { z } from "zod";
import { KIBANA_PATH } from "../../render/elastic";
import { ALL_KEYS, RELAY_INDEX } from "../../core/names";
import { DAY } from "./checks/context";
import type {
  ElasticsearchFacts,
  FailedActions,
  KibanaFacts,
  RelayFacts,
  RuleFacts,
  SimulatedTemplate,
} from "./facts";
import type { Reply } from "./send-to-server";
import type { State } from "./state";

/** Asks a server; only what reads is used here. */
export type SendRequest = (method: "GET" | "POST", path: string, body?: unknown) => Promise<Reply>;

/** Returns the parsed body of a reply with status 200. Throws an Error of one line for any other reply. */
export async function parseReply<T>(reply: Promise<Reply>, schema: z.ZodType<T>): Promise<T> {
  const { status, text } = await reply;
  if (status === 401) throw new Error("it refuses the stack's own login");
  if (status !== 200) throw new Error(`it answers ${status}: ${text.slice(0, 200).replace(/\s+/g, " ")}`);
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`it answers something else than was asked for`);
  return parsed.data;
}

const root = z.object({ version: z.object({ number: z.string() }) });
const seen = z.object({
  hits: z.object({ total: z.object({ value: z.number() }) }),
  aggregations: z
    .object({
      first: z.object({ value: z.number().nullable() }),
      containers: z.object({
        buckets: z.array(z.object({ key: z.string(), last: z.object({ value: z.number().nullable() }) })),
      }),
    })
    .optional(),
});
const stats = z.object({
  _all: z.object({
    primaries: z.object({
      docs: z.object({ count: z.number() }).optional(),
      store: z.object({ size_in_bytes: z.number() }).optional(),
    }),
  }),
});
const apiKeys = z.object({
  api_keys: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      invalidated: z.boolean(),
      expiration: z.number().optional(),
    }),
  ),
});
const simulated = z.object({
  template: z.object({
    settings: z.object({ index: z.object({ final_pipeline: z.string().optional() }).optional() }).optional(),
    lifecycle: z.object({ data_retention: z.string().optional() }).optional(),
  }),
  overlapping: z.array(z.object({ name: z.string() })).optional(),
});
const streams = z.object({
  data_streams: z.tuple([
    z.object({ lifecycle: z.object({ data_retention: z.string().optional() }).optional() }),
  ]),
});

/** Returns the retention of an existing data stream ("": for ever), or undefined. The lab's Elasticsearch lacks this API (405). */
async function streamRetention(send: SendRequest, dataStream: string): Promise<string | undefined> {
  const reply = await send("GET", `/_data_stream/${dataStream}`);
  if (reply.status === 404 || reply.status === 405) return undefined;
  const [stream] = (await parseReply(Promise.resolve(reply), streams)).data_streams;
  return stream.lifecycle?.data_retention ?? "";
}

const failures = z.object({
  hits: z.object({
    total: z.object({ value: z.number() }),
    hits: z.array(
      z.object({
        _source: z.object({
          "@timestamp": z.string(),
          message: z.string().optional(),
          error: z.object({ message: z.string().optional() }).optional(),
        }),
      }),
    ),
  }),
});

/**
 * Returns the actions of rules that failed in the last day. Kibana writes this in its event log only and does not retry:
 * https://www.elastic.co/guide/en/kibana/8.19/event-log-index.html
 */
async function failedActions(send: SendRequest): Promise<FailedActions> {
  const { total, hits } = (
    await parseReply(
      send("POST", "/.kibana-event-log-*/_search?ignore_unavailable=true&allow_no_indices=true", {
        size: 1,
        track_total_hits: true,
        query: {
          bool: {
            filter: [
              { term: { "event.provider": "actions" } },
              { term: { "event.outcome": "failure" } },
              { range: { "@timestamp": { gte: "now-1d" } } },
            ],
          },
        },
        sort: [{ "@timestamp": { order: "desc", unmapped_type: "date" } }],
      }),
      failures,
    )
  ).hits;
  const newest = hits[0]?._source;
  if (newest === undefined) return { count: 0, newest: 0, error: "" };
  const error = newest.error?.message ?? newest.message ?? "";
  return { count: total.value, newest: Date.parse(newest["@timestamp"]), error: error };
}

/** Returns the facts about Elasticsearch, the log stream and the agents' keys. Throws an Error of one line if a request fails. */
export async function readElasticsearchFacts(
  send: SendRequest,
  state: State,
  now: number,
): Promise<ElasticsearchFacts> {
  const { dataStream } = state;
  const { version } = await parseReply(send("GET", "/"), root);
  const [lines, size, keys, template, retention, actions] = await Promise.all([
    parseReply(
      send("POST", `/${dataStream}/_search?ignore_unavailable=true`, {
        size: 0,
        track_total_hits: true,
        query: { range: { "event.ingested": { gte: "now-7d" } } },
        aggs: {
          first: { min: { field: "event.ingested" } },
          containers: {
            terms: { field: "dhis2.container.name", size: 1000 },
            aggs: { last: { max: { field: "event.ingested" } } },
          },
        },
      }),
      seen,
    ),
    parseReply(send("GET", `/${dataStream}/_stats/docs,store?ignore_unavailable=true`), stats),
    parseReply(send("GET", `/_security/api_key?name=${ALL_KEYS}`), apiKeys),
    parseReply(send("POST", `/_index_template/_simulate_index/${dataStream}`), simulated),
    streamRetention(send, dataStream),
    failedActions(send),
  ]);
  const { first, containers } = lines.aggregations ?? { first: { value: null }, containers: { buckets: [] } };
  const { docs, store } = size._all.primaries;
  return {
    version: version.number,
    lastSeen: Object.fromEntries(
      containers.buckets.flatMap(({ key, last }) => (last.value === null ? [] : [[key, last.value]])),
    ),
    keys: keys.api_keys,
    logs: {
      bytes: store?.size_in_bytes ?? 0,
      documents: docs?.count ?? 0,
      recent: lines.hits.total.value,
      days: first.value === null ? 0 : (now - first.value) / DAY,
    },
    template: simulatedTemplate(template),
    retention,
    actions,
  };
}

function simulatedTemplate({ template, overlapping }: z.output<typeof simulated>): SimulatedTemplate {
  return {
    pipeline: template.settings?.index?.final_pipeline ?? "",
    retention: template.lifecycle?.data_retention ?? "",
    losers: (overlapping ?? []).map(({ name }) => name),
  };
}

const kibanaStatus = z.object({
  version: z.object({ number: z.string() }),
  status: z.object({ overall: z.object({ level: z.string() }) }),
});
const found = z.object({
  total: z.number(),
  data: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      enabled: z.boolean(),
      mute_all: z.boolean().optional(),
      muted_alert_ids: z.array(z.string()).optional(),
      snooze_schedule: z.array(z.unknown()).optional(),
      execution_status: z.object({
        status: z.string(),
        last_execution_date: z.string().optional(),
        error: z.object({ message: z.string() }).optional(),
        warning: z.object({ message: z.string() }).optional(),
      }),
    }),
  ),
});
/** The most that Kibana returns in one page. */
const PAGE = 1000;

/** Returns the facts about Kibana and its rules. Throws an Error of one line if a request fails. */
export async function readKibanaFacts(send: SendRequest): Promise<KibanaFacts> {
  const { version, status } = await parseReply(send("GET", `${KIBANA_PATH}/api/status`), kibanaStatus);
  const { data } = await parseReply(
    send("GET", `${KIBANA_PATH}/api/alerting/rules/_find?page=1&per_page=${PAGE}`),
    found,
  );
  return {
    version: version.number,
    level: status.overall.level,
    rules: data.map((rule): RuleFacts => {
      const {
        id,
        name,
        enabled,
        mute_all: muted,
        muted_alert_ids: mutedAlerts = [],
        snooze_schedule: snoozed = [],
        execution_status: run,
      } = rule;
      const { last_execution_date: ran, error, warning } = run;
      const message = (error ?? warning)?.message ?? "";
      return {
        id,
        name,
        enabled,
        silenced: muted === true || snoozed.length > 0,
        mutedAlerts,
        status: run.status,
        message,
        ...(ran !== undefined && { ran: Date.parse(ran) }),
      };
    }),
  };
}

const deliveries = z.object({
  hits: z.object({ total: z.object({ value: z.number() }) }),
  // Missing until the first delivery, because the index does not exist.
  aggregations: z
    .object({
      sent: z.object({ last: z.object({ value: z.number().nullable() }) }),
      failing: z.object({
        doc_count: z.number(),
        newest: z.object({ hits: z.object({ hits: z.array(z.object({ _source: z.looseObject({}) })) }) }),
      }),
    })
    .optional(),
});

/** Returns the relay's deliveries of the last 30 days, from ElastAlert 2's own index. Throws an Error of one line if the request fails. */
export async function readRelayFacts(send: SendRequest, index: string): Promise<RelayFacts> {
  const { aggregations } = await parseReply(
    send("POST", `/${index}/_search?ignore_unavailable=true`, {
      size: 0,
      track_total_hits: true,
      query: { range: { alert_time: { gte: "now-30d" } } },
      aggs: {
        sent: { filter: { term: { alert_sent: true } }, aggs: { last: { max: { field: "sent_at" } } } },
        failing: {
          // Others wait for their group, or for the end of quiet hours.
          filter: {
            bool: { filter: [{ term: { alert_sent: false } }, { range: { attempts: { gte: 1 } } }] },
          },
          aggs: {
            newest: { top_hits: { size: 1, sort: [{ tried_at: { order: "desc", unmapped_type: "date" } }] } },
          },
        },
      },
    }),
    deliveries,
  );
  if (aggregations === undefined) return { failing: 0, error: "" };
  const newest = aggregations.failing.newest.hits.hits[0]?._source.alert_exception;
  const { value } = aggregations.sent.last;
  return {
    failing: aggregations.failing.doc_count,
    error: typeof newest === "string" ? newest.slice(0, 200) : "",
    ...(value !== null && { delivered: value }),
  };
}

/** Whether an alert was delivered to a destination. */
export interface Delivery {
  readonly destination: string;
  readonly delivered: boolean;
  /** Why the last attempt failed. */
  readonly error?: string;
}

const kept = z.object({
  _source: z.object({ alert_sent: z.boolean(), alert_exception: z.string().optional() }),
});

/** Returns the delivery of an alert to a destination; `delivered` is false if the relay has written nothing about it yet. */
export async function readDelivery(
  send: SendRequest,
  destination: string,
  alertId: string,
): Promise<Delivery> {
  const id = encodeURIComponent(`${destination}:${alertId}`);
  const { status, text } = await send("GET", `/${RELAY_INDEX}/_doc/${id}`);
  if (status !== 200) return { destination, delivered: false };
  const { alert_sent: delivered, alert_exception: error } = kept.parse(JSON.parse(text))._source;
  return { destination, delivered, ...(error !== undefined && { error: error }) };
}
