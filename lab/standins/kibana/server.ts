import { readFileSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import { createServer as createHttps } from "node:https";
import { buffer } from "node:stream/consumers";
import { answerCall, APPLICATION, type Login } from "./api";
import { Elasticsearch } from "./elasticsearch";
import { type Kibana, scheduler } from "./rules";
import { Refusal } from "./schemas";
import type { Settings } from "./settings";
import { Store } from "./store";

const VERSION = "8.19.8";

/** Lets in who has a login in Elasticsearch and Kibana's privileges in the one space; readers only read. */
async function authenticate({ elasticsearch }: Kibana, request: IncomingMessage): Promise<Login> {
  const auth = request.headers.authorization ?? "";
  const answer = auth && (await elasticsearch.call("GET", "/_security/user/_privileges", auth));
  if (!answer || answer.status !== 200 || !auth.startsWith("Basic ")) throw new Refusal(401, "Unauthorized");
  const entries = answer.body.applications as {
    application: string;
    privileges: string[];
    resources: string[];
  }[];
  const granted = entries
    .filter(({ application }) => [APPLICATION, "*"].includes(application))
    .filter(({ resources }) => resources.some((name) => ["space:default", "*"].includes(name)))
    .flatMap(({ privileges }) => privileges);
  if (granted.length === 0) throw new Refusal(403, "Forbidden");
  if (request.method !== "GET" && !granted.some((name) => ["*", "all", "space_all"].includes(name)))
    throw new Refusal(403, `API [${request.method} ${request.url}] is unauthorized for user`);
  const [username = "", ...password] = Buffer.from(auth.slice(6), "base64").toString().split(":");
  return { username, password: password.join(":"), auth };
}

/** Everybody may know whether Kibana is available; who has a login sees more. */
async function status(kibana: Kibana, request: IncomingMessage): Promise<Reply> {
  const ready = await kibana.elasticsearch.isReady();
  if (!ready) kibana.log("Elasticsearch cannot be reached, or does not take Kibana's own login");
  const overall = { level: ready ? "available" : "unavailable" };
  const known = ready && (await authenticate(kibana, request).catch(() => undefined));
  const version = { number: VERSION, build_flavor: "traditional" };
  const name = kibana.settings["server.name"];
  return { status: ready ? 200 : 503, body: { ...(known && { name, version }), status: { overall } } };
}

/** The one page that people see, wherever in Kibana they go. */
function page({ store }: Kibana): string {
  const escape = (text: string) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  const titles = Object.values(store.state.dashboard).map(
    ({ attributes }) => `<li>${escape(attributes.title)}`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Stand-in for Kibana</title>
<h1>This is the lab's stand-in for Kibana</h1>
<p>It answers Kibana's API and runs its rules. Only the real Kibana draws these dashboards:<ul>${titles.join("\n")}</ul>`;
}

interface Reply {
  status: number;
  /** JSON, or a page as text; nothing for a 204. */
  body?: unknown;
}

async function reply(kibana: Kibana, request: IncomingMessage): Promise<Reply> {
  const basePath = kibana.settings["server.basePath"];
  const { method = "", headers, url = "" } = request;
  const { pathname, searchParams: query } = new URL(url, "http://host");
  if (!`${pathname}/`.startsWith(`${basePath}/`)) throw new Refusal(404, "Not Found");
  const path = pathname.slice(basePath.length).replace(/^\/s\/default(?=\/)/, "");
  if (path === "/api/status" && method === "GET") return status(kibana, request);
  if (!(await kibana.elasticsearch.isReady())) throw new Refusal(503, "Kibana server is not ready yet");
  const login = await authenticate(kibana, request);
  if (method === "GET" && /^\/?$|^\/(app|goto)\//.test(path)) return { status: 200, body: page(kibana) };
  if (method !== "GET" && !headers["kbn-xsrf"])
    throw new Refusal(400, "Request must contain a kbn-xsrf header.");
  const contentType = headers["content-type"] ?? "";
  const call = { call: `${method} ${path}`, query, contentType, body: await buffer(request), login };
  const body = await answerCall(kibana, call);
  return { status: body === undefined ? 204 : 200, body };
}

function refusal({ log }: Kibana, error: Error): Reply {
  if (!(error instanceof Refusal)) log(error.message);
  const { status: statusCode, message } =
    error instanceof Refusal
      ? error
      : new Refusal(500, "An internal server error occurred. Check Kibana server logs for details.");
  return { status: statusCode, body: { statusCode, error: STATUS_CODES[statusCode], message } };
}

/**
 * The stand-in for a Kibana with these settings. The caller makes the server listen, and calls `tick` again and again
 * with the time: it runs the rules that are due.
 */
export function createKibana(
  settings: Settings,
  log: Kibana["log"],
): { server: Server; kibana: Kibana; tick: (now: Date) => Promise<void> } {
  const elasticsearch = new Elasticsearch(settings);
  const kibana: Kibana = { settings, store: new Store(settings["path.data"]), elasticsearch, log };
  const { "server.ssl.enabled": secure, "server.ssl.certificate": cert, "server.ssl.key": key } = settings;
  // Kibana's own links are long.
  const options = { maxHeaderSize: 81920 };
  const server = secure
    ? createHttps({ ...options, cert: readFileSync(cert), key: readFileSync(key) })
    : createHttp(options);
  server.on("request", (request, response) => {
    void reply(kibana, request)
      .catch((error: Error) => refusal(kibana, error))
      .then(({ status: code, body }) => {
        const isPage = typeof body === "string";
        const headers = {
          "content-type": isPage ? "text/html" : "application/json",
          ...(code === 401 && { "www-authenticate": 'Basic realm="Kibana"' }),
        };
        response.writeHead(code, headers).end(isPage ? body : JSON.stringify(body));
      });
  });
  return { server, kibana, tick: scheduler(kibana) };
}
