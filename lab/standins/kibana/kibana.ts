/** A Kibana: its settings, what it has saved, and its Elasticsearch. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import { join } from "node:path";
import type { z } from "zod";
import { sendRequest, basicAuth } from "../../../connection/https";
import type { Json } from "../../../core/json";
import type { Alert } from "../../../kibana/es-query";
import type { ruleCreate } from "../../../kibana/rule";
import { type indexConfig, refuse, type savedObject } from "./schemas";
import type { Settings } from "./settings";

export type View = Json & { id: string };
export type Connector = View & { config: z.output<typeof indexConfig> };
export type Imported = z.output<typeof savedObject>;
export type Action = Rule["actions"][number];
/** A rule as the API shows it, and what Kibana keeps beside it. */
export interface Rule extends z.output<typeof ruleCreate> {
  id: string;
  revision: number;
  execution_status: { status: string; last_execution_date: string };
  kept: {
    /** The `Authorization` header of its API key: what the rule may do is what the user who saved it last may. */
    auth: string;
    alerts: Record<string, Alert>;
    seenUntil: string | null;
    /** In milliseconds since 1970. */
    nextRun: number;
  };
}

/** What Kibana would keep in Elasticsearch's system indices: the objects of each type by id, those of an import by both. */
interface Saved {
  alert: Record<string, Rule>;
  action: Record<string, Connector>;
  "index-pattern": Record<string, View>;
  imported: Record<string, Imported>;
}

/** One of the objects of a type. Throws Kibana's 404 where there is none. */
export function find<S>(type: string, objects: Record<string, S>, id: string): S {
  return objects[id] ?? refuse(404, `Saved object [${type}/${id}] not found`);
}

/** A Kibana with these settings, as it left off. */
export function openKibana(settings: Settings, log: (line: string) => void) {
  const file = join(settings["path.data"], "saved.json");
  const none: Saved = { alert: {}, action: {}, "index-pattern": {}, imported: {} };
  const saved = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Saved) : none;
  const save = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify(saved), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  return { settings, log, saved, save, ...openElasticsearch(settings) };
}
export type Kibana = ReturnType<typeof openKibana>;

/** Elasticsearch as Kibana's settings describe it. */
function openElasticsearch(settings: Settings) {
  const [origin] = settings["elasticsearch.hosts"];
  const authorities = settings["elasticsearch.ssl.certificateAuthorities"];
  const ca = authorities?.map((file) => readFileSync(file, "utf8")).join("");
  /** The `Authorization` header of Kibana's own login. */
  const own = basicAuth(settings["elasticsearch.username"], settings["elasticsearch.password"]);
  /** One call. Refuses what Elasticsearch refuses, with its words; throws when it cannot be reached. */
  async function call(method: string, path: string, authorization = "", json?: object): Promise<Json> {
    const headers = { authorization, "content-type": "application/json" };
    const body = json && JSON.stringify(json);
    const { status, text } = await sendRequest({ origin, ca, method, path, headers, body, seconds: 30 });
    const answer = JSON.parse(text || "{}") as Json;
    if (status < 300) return answer;
    const { root_cause: [root] = [] } = (answer.error ?? {}) as { root_cause?: { reason: string }[] };
    return refuse(status, root?.reason ?? STATUS_CODES[status] ?? "");
  }
  /** True once Elasticsearch takes Kibana's own login. */
  const isReady = () => call("GET", "/_security/_authenticate", own).then(Boolean, () => false);
  return { own, call, isReady };
}
