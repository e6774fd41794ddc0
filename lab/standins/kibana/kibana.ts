/** A Kibana: its settings, its saved objects and its connection to Elasticsearch. */
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
/** A rule as the API shows it, with Kibana's internal data (`kept`). */
export interface Rule extends z.output<typeof ruleCreate> {
  id: string;
  revision: number;
  created_by: string | null;
  created_at: string;
  updated_by: string | null;
  updated_at: string;
  /** Whose rights it has: those of the day when the key was made. */
  api_key_owner: string | null;
  execution_status: { status: string; last_execution_date: string };
  kept: {
    /** The `Authorization` header of its API key. The rule has the rights of the user who saved it last. Null: it has no key. */
    auth: string | null;
    alerts: Record<string, Alert>;
    seenUntil: string | null;
    /** When it runs next, in milliseconds since 1970. */
    nextRun: number;
  };
}

/** What Kibana would store in Elasticsearch's system indices: objects by type and id; imported ones by a key of both. */
interface Saved {
  alert: Record<string, Rule>;
  action: Record<string, Connector>;
  "index-pattern": Record<string, View>;
  imported: Record<string, Imported>;
}

/** Returns an object by its id. Throws Kibana's 404 if it does not exist. */
export function find<S>(type: string, objects: Record<string, S>, id: string): S {
  return objects[id] ?? refuse(404, `Saved object [${type}/${id}] not found`);
}

/** Returns a Kibana with these settings and the objects that it saved in earlier runs. */
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

/** Returns Kibana's connection to Elasticsearch, from its settings. */
function openElasticsearch(settings: Settings) {
  const [origin] = settings["elasticsearch.hosts"];
  const authorities = settings["elasticsearch.ssl.certificateAuthorities"];
  const ca = authorities?.map((file) => readFileSync(file, "utf8")).join("");
  /** The `Authorization` header of Kibana's own user. */
  const own = basicAuth(settings["elasticsearch.username"], settings["elasticsearch.password"]);
  /** Sends a request and returns the reply's JSON. Throws Elasticsearch's error if it refuses, or an Error if it cannot be reached. */
  async function call(method: string, path: string, authorization = "", json?: object): Promise<Json> {
    const headers = { authorization, "content-type": "application/json" };
    const body = json && JSON.stringify(json);
    const { status, text } = await sendRequest({ origin, ca, method, path, headers, body, seconds: 30 });
    const answer = JSON.parse(text || "{}") as Json;
    if (status < 300) return answer;
    const { root_cause: [root] = [] } = (answer.error ?? {}) as { root_cause?: { reason: string }[] };
    return refuse(status, root?.reason ?? STATUS_CODES[status] ?? "");
  }
  /** Returns whether Elasticsearch accepts Kibana's own user. */
  const isReady = () => call("GET", "/_security/_authenticate", own).then(Boolean, () => false);
  return { own, call, isReady };
}
