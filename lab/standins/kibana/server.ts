import { readFileSync } from "node:fs";
import {
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { createServer as createHttps } from "node:https";
import { handleApi, type Response } from "./api";
import { Elasticsearch } from "./elasticsearch";
import { authenticator, registerPrivileges } from "./login";
import { page } from "./page";
import { type Runner, scheduler } from "./runner";
import type { Settings } from "./settings";
import { Store } from "./store";
import { Refusal } from "./words";

const version = "8.19.8";
const titles: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  413: "Request Entity Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Entity",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new Refusal(413, `Payload content length greater than maximum allowed: ${limit}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export interface Kibana {
  server: Server;
  /** Runs the rules that are due at this time. */
  tick: (now: Date) => Promise<void>;
  runner: Runner;
  close: () => Promise<void>;
}

/** The stand-in for a Kibana with these settings; the caller makes `server` listen and calls `tick`. */
export function createKibana(settings: Settings, log: Runner["log"]): Kibana {
  const { basePath, rewriteBasePath, publicBaseUrl, ssl, maxPayload, name } = settings.server;
  const elasticsearch = new Elasticsearch(settings.elasticsearch);
  const store = new Store(settings.path.data);
  const encryptionKey = settings.xpack.encryptedSavedObjects.encryptionKey;
  const runner: Runner = { store, elasticsearch, encryptionKey, publicBaseUrl, log };
  const authenticate = authenticator(elasticsearch);
  let ready = false;
  let becoming: Promise<void> | undefined;
  let complaint = "";

  /** Kibana is there once Elasticsearch took its privileges; later failures show in the calls themselves. */
  function becomeReady(): Promise<void> {
    if (ready) return Promise.resolve();
    becoming ??= registerPrivileges(elasticsearch, ["all", "read", "space_all", "space_read"])
      .then(() => {
        ready = true;
        log("INFO", "status", "Kibana is now available");
      })
      .finally(() => (becoming = undefined));
    return becoming;
  }

  async function status(authorization?: string): Promise<Response> {
    let problem = "";
    try {
      await becomeReady();
      const { status: code } = await elasticsearch.call("GET", "/", elasticsearch.own);
      if (code !== 200) problem = `Elasticsearch answered ${code} to Kibana's own login`;
    } catch (error) {
      problem = (error as Error).message;
    }
    if (problem && problem !== complaint) log("ERROR", "elasticsearch-service", problem);
    complaint = problem;
    const overall = problem
      ? { level: "unavailable", summary: problem }
      : { level: "available", summary: "All services and plugins are available" };
    const known = !problem && (await authenticate(authorization).catch(() => undefined));
    const details = {
      name,
      uuid: store.state.uuid,
      version: { number: version, build_flavor: "traditional", build_snapshot: false },
      status: { overall, core: { elasticsearch: overall, savedObjects: overall }, plugins: {} },
    };
    return {
      status: problem ? 503 : 200,
      body: known ? details : { status: { overall: { level: overall.level } } },
    };
  }

  async function answer(request: IncomingMessage): Promise<Response & { html?: string }> {
    const url = new URL(`http://host${request.url ?? "/"}`);
    if (rewriteBasePath && url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`))
      throw new Refusal(404, "Not Found");
    const inside = rewriteBasePath ? url.pathname.slice(basePath.length) : url.pathname;
    const path = (inside || "/").replace(/^\/s\/default(?=\/|$)/, "") || "/";
    const { method = "GET", headers } = request;
    if (path === "/api/status" && method === "GET") return status(headers.authorization);
    await becomeReady().catch(() => {
      throw new Refusal(503, "Kibana server is not ready yet");
    });
    const login = await authenticate(headers.authorization);
    if (method === "GET" && /^\/($|app\/|goto\/)/.test(path))
      return { status: 200, html: await page(runner, login) };
    if (!/^(GET|HEAD)$/.test(method) && !headers["kbn-xsrf"] && !headers["kbn-version"])
      throw new Refusal(400, "Request must contain a kbn-xsrf header.");
    const limit = path === "/api/saved_objects/_import" ? 26214400 : maxPayload;
    const raw = await readBody(request, limit);
    const contentType = headers["content-type"] ?? "";
    return handleApi({ method, path, query: url.searchParams, contentType, raw, login }, runner);
  }

  function refusal(error: unknown): Response {
    if (error instanceof Refusal) {
      const { status: statusCode, message } = error;
      return { status: statusCode, body: { statusCode, error: titles[statusCode] ?? "Error", message } };
    }
    log("ERROR", "http", (error as Error).message);
    return refusal(
      new Refusal(500, "An internal server error occurred. Check Kibana server logs for details."),
    );
  }

  const listener: RequestListener = (request, response) => {
    void answer(request)
      .catch(refusal)
      .then((result: Response & { html?: string }) => {
        response.setHeader("kbn-name", name);
        if (result.status === 401) response.setHeader("www-authenticate", 'Basic realm="Kibana"');
        const type = result.html === undefined ? "application/json" : "text/html";
        response.writeHead(result.status, { "content-type": `${type}; charset=utf-8` });
        response.end(result.html ?? (result.body === undefined ? "" : JSON.stringify(result.body)));
        if (!request.complete) request.destroy();
      });
  };
  const options = { maxHeaderSize: 81920 };
  const server = ssl.enabled
    ? createHttps(
        { ...options, cert: readFileSync(ssl.certificate ?? ""), key: readFileSync(ssl.key ?? "") },
        listener,
      )
    : createHttp(options, listener);
  const run = scheduler(runner);
  return {
    server,
    runner,
    tick: (now) =>
      becomeReady().then(
        () => run(now),
        () => undefined,
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        elasticsearch.close();
      }),
  };
}
