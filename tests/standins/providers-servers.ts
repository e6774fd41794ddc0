/** Elasticsearch and Kibana for the providers' tests: they record each request, keep what is put, and add what the real ones add. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { listenAnywhere } from "../../core/ports";
import type { Json } from "../../core/json";

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  /** Parsed where it is JSON. */
  readonly body: unknown;
  readonly authorization?: string;
}

export interface Servers {
  readonly url: string;
  readonly calls: Recorded[];
  /** What is kept, by its path without a query. Tests may change it behind the provider's back. */
  readonly kept: Map<string, Json>;
  /** Instead of its usual answer, the next request gets this status and text. */
  fail(status: number, body: string): void;
  /** The requests since the last call of this, as "METHOD path". */
  lines(): string[];
  close(): Promise<void>;
}

export const CLUSTER = "c1";

function record(request: IncomingMessage, body: string): Recorded {
  const kept = ["content-type", "kbn-xsrf"].flatMap((name) => {
    const value = request.headers[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  const json = request.headers["content-type"] === "application/json" && body !== "";
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: Object.fromEntries(kept),
    body: json ? (JSON.parse(body) as unknown) : body,
    authorization: request.headers.authorization,
  };
}

const EXTRA_OF_ROLE = { applications: [], run_as: [], metadata: {}, transient_metadata: { enabled: true } };

/** As Elasticsearch gives back a role descriptor. */
function descriptor(role: Json): Json {
  const indices = ((role.indices ?? []) as Json[]).map((entry) => ({
    allow_restricted_indices: false,
    ...entry,
  }));
  return { ...EXTRA_OF_ROLE, ...role, indices };
}

/** What a GET of something kept answers. */
function found(path: string, kept: Json): Json {
  const name = path.split("/").at(-1) ?? "";
  if (path.startsWith("/_ingest/")) return { [name]: kept };
  if (path.startsWith("/_index_template/")) {
    // Settings come back below "index" and as texts.
    return { index_templates: [{ name, index_template: kept }] };
  }
  if (path.startsWith("/_component_template/"))
    return { component_templates: [{ name, component_template: kept }] };
  if (path.startsWith("/_security/role/")) return { [name]: descriptor(kept) };
  if (path.startsWith("/_security/user/")) {
    const { password, ...user } = kept;
    return {
      [name]: {
        username: name,
        metadata: {},
        ...user,
        secretWas: typeof password === "string" ? undefined : null,
      },
    };
  }
  if (path.startsWith("/api/security/role/")) {
    const { elasticsearch } = kept as { elasticsearch: Json };
    return { name, metadata: {}, ...kept, elasticsearch: { cluster: [], run_as: [], ...elasticsearch } };
  }
  if (path.split("/").length === 2) {
    return { [name]: { aliases: {}, mappings: kept.mappings ?? {}, settings: { "index.uuid": "u1" } } };
  }
  return kept;
}

/** Everything on one loopback port. */
export async function startServers(): Promise<Servers> {
  const calls: Recorded[] = [];
  const kept = new Map<string, Json>();
  let failure: { status: number; body: string } | undefined;
  let seen = 0;

  function answer({ method, path: full, body }: Recorded): { status: number; body?: unknown } {
    const path = full.replace(/\?.*/, "");
    const sent = body as Json;
    if (path === "/") return { status: 200, body: { cluster_uuid: CLUSTER, version: { number: "8.19.8" } } };
    if (path.endsWith("/_import")) {
      return {
        status: 200,
        body: { success: true, successCount: 1, successResults: [{ id: "x", type: "dashboard" }] },
      };
    }
    if (path === "/_security/api_key") return apiKey(method, full, sent);
    if (method === "DELETE") return { status: kept.delete(path) ? 200 : 404, body: {} };
    if (method === "GET") {
      const item = kept.get(path);
      return item ? { status: 200, body: found(path, item) } : { status: 404, body: { error: "not found" } };
    }
    if (path.startsWith("/_security/api_key/"))
      return put(path, { ...kept.get(path), ...sent }, { updated: true });
    if (path.endsWith("/_settings")) return { status: 200, body: { acknowledged: true } };
    if (path.endsWith("/_mapping")) {
      const index = path.replace("/_mapping", "");
      return put(index, { ...kept.get(index), mappings: sent }, { acknowledged: true });
    }
    if (path.includes("/api/")) return kibana(method, path, sent);
    return put(path, sent, { acknowledged: true });
  }

  function put(path: string, item: Json, body: unknown): { status: number; body: unknown } {
    kept.set(path, item);
    return { status: 200, body };
  }

  function apiKey(method: string, full: string, sent: Json): { status: number; body: unknown } {
    if (method === "PUT") {
      const id = randomUUID();
      return put(
        `/_security/api_key/${id}`,
        { id, ...sent },
        { id, name: sent.name, api_key: "s3cret", encoded: "ZW5j" },
      );
    }
    if (method === "DELETE") {
      for (const id of sent.ids as string[]) kept.delete(`/_security/api_key/${id}`);
      return { status: 200, body: { error_count: 0 } };
    }
    const key = kept.get(`/_security/api_key/${full.split("id=")[1] ?? ""}`);
    if (!key) return { status: 404, body: { api_keys: [] } };
    const descriptors = Object.entries((key.role_descriptors ?? {}) as Record<string, Json>);
    const full_descriptors = Object.fromEntries(descriptors.map(([name, role]) => [name, descriptor(role)]));
    return {
      status: 200,
      body: { api_keys: [{ ...key, invalidated: false, role_descriptors: full_descriptors }] },
    };
  }

  function kibana(method: string, path: string, sent: Json): { status: number; body?: unknown } {
    if (path.startsWith("/api/security/role/")) return { ...put(path, sent, undefined), status: 204 };
    if (path.includes("/data_views/")) {
      const view = sent.data_view as Json;
      const id = typeof view.id === "string" ? view.id : (path.split("/").at(-1) ?? "");
      const where = path.endsWith("/data_view") ? `${path}/${id}` : path;
      const old = (kept.get(where) as { data_view: Json } | undefined)?.data_view ?? {
        namespaces: ["default"],
      };
      const body = { data_view: { ...old, id, ...view } };
      return put(where, body, body);
    }
    if (path.endsWith("/_enable") || path.endsWith("/_disable")) {
      const where = path.replace(/\/_\w+$/, "");
      return {
        ...put(where, { ...kept.get(where), enabled: path.endsWith("/_enable") }, undefined),
        status: 204,
      };
    }
    const made = method === "POST" && path.endsWith("/connector") ? `${path}/${randomUUID()}` : path;
    const defaults = path.includes("/alerting/")
      ? {
          id: path.split("/").at(-1),
          enabled: true,
          scheduled_task_id: "t",
          execution_status: { status: "ok" },
        }
      : {
          id: made.split("/").at(-1),
          is_missing_secrets: false,
          is_preconfigured: false,
          is_deprecated: false,
        };
    const body = { ...defaults, ...kept.get(made), ...sent };
    return put(made, body, body);
  }

  const server: Server = createServer((request, response) => {
    void text(request).then((sent) => {
      const call = record(request, sent);
      calls.push(call);
      const { status, body } = failure ?? answer(call);
      failure = undefined;
      response.writeHead(status, {
        "content-type": "application/json",
        "x-elastic-product": "Elasticsearch",
      });
      response.end(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  const port = await listenAnywhere(server);
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    kept,
    fail: (status, body) => void (failure = { status, body }),
    lines() {
      const fresh = calls.slice(seen).map(({ method, path }) => `${method} ${path}`);
      seen = calls.length;
      return fresh;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
