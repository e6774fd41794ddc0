/** The provider's configuration, and requests to the two servers as elasticstack 0.11.17 makes them. */
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isObject, type Props } from "./marks";

interface Server {
  readonly endpoint: string;
  readonly authorization?: string;
  /** PEM. */
  readonly ca?: string;
}

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Encoded, with its query. */
  readonly path: string;
  /** JSON, but for the text of a `type` of its own. */
  readonly body?: unknown;
  readonly type?: string;
  /** Statuses that are answers too; their body is undefined. */
  readonly allow?: readonly number[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** The requests that a resource makes; each gives the answer's JSON, and throws with the server's status and words. */
export interface Api {
  elasticsearch(request: Request): Promise<unknown>;
  kibana(request: Request): Promise<unknown>;
  /** The cluster's UUID, which the real one puts before each id; asked once. */
  cluster(): Promise<string>;
}

/** As the real one: the environment wins over the configuration, Kibana's login is Elasticsearch's unless it has one. */
export function createApi(config: Props, env: NodeJS.ProcessEnv): Api {
  const [elastic, kibana] = [block(config.elasticsearch), block(config.kibana)];
  for (const [name, given] of Object.entries({ elasticsearch: elastic, kibana })) {
    const other = Object.keys(given).find((key) => !KNOWN.includes(key));
    if (other) throw new Error(`the stand-in for elasticstack does not know ${name}.${other}`);
  }
  const login = overridden(elastic, env, "ELASTICSEARCH");
  const files = env.KIBANA_CA_CERTS?.split(",") ?? (kibana.caCerts as string[] | undefined) ?? [];
  const servers = {
    elasticsearch: {
      endpoint:
        env.ELASTICSEARCH_ENDPOINTS?.split(",")[0]?.trim() ??
        firstOf(elastic.endpoints) ??
        "http://localhost:9200",
      authorization: authorization(login),
      ca: elastic.caData as string | undefined,
    },
    kibana: {
      endpoint: env.KIBANA_ENDPOINT ?? firstOf(kibana.endpoints) ?? "http://localhost:5601",
      authorization: authorization(overridden({ ...login, ...kibana }, env, "KIBANA")),
      ca: files.length > 0 ? files.map(readCa).join("\n") : undefined,
    },
  };
  let uuid: Promise<string> | undefined;
  const api: Api = {
    async elasticsearch(request) {
      // Elastic's client tries again where something in between has no answer; nothing is in between Kibana's.
      for (let left = 3; ; left--) {
        const answer = await send("Elasticsearch", servers.elasticsearch, request);
        if (left > 0 && [502, 503, 504].includes(answer.status)) continue;
        const json = parse("Elasticsearch", request, answer);
        if (answer.product !== "Elasticsearch") {
          throw new Error(
            "the client noticed that the server is not Elasticsearch and we do not support this unknown product",
          );
        }
        return json;
      }
    },
    kibana: async (request) => parse("Kibana", request, await send("Kibana", servers.kibana, request)),
    cluster: () =>
      (uuid ??= readUuid(api).catch(
        (error: unknown) => ((uuid = undefined), Promise.reject(error as Error)),
      )),
  };
  return api;
}

const KNOWN = ["endpoints", "username", "password", "apiKey", "caData", "caCerts"];

async function readUuid(api: Api): Promise<string> {
  const info = (await api.elasticsearch({ method: "GET", path: "/" })) as { cluster_uuid?: string };
  if (!info.cluster_uuid || info.cluster_uuid === "_na_") throw new Error("Unable to get cluster UUID");
  return info.cluster_uuid;
}

/** A nested block of the configuration: the generated SDK sends it as JSON text. */
function block(value: unknown): Props {
  const parsed: unknown = typeof value === "string" ? JSON.parse(value) : value;
  return isObject(parsed) ? parsed : {};
}

function firstOf(value: unknown): string | undefined {
  return Array.isArray(value) && typeof value[0] === "string" ? value[0] : undefined;
}

function overridden(config: Props, env: NodeJS.ProcessEnv, prefix: string): Props {
  return {
    username: env[`${prefix}_USERNAME`] ?? config.username,
    password: env[`${prefix}_PASSWORD`] ?? config.password,
    apiKey: env[`${prefix}_API_KEY`] ?? config.apiKey,
  };
}

function authorization({ username, password, apiKey }: Props): string | undefined {
  if (typeof apiKey === "string" && apiKey !== "") return `ApiKey ${apiKey}`;
  if (typeof username !== "string" || username === "") return undefined;
  return `Basic ${Buffer.from(`${username}:${typeof password === "string" ? password : ""}`).toString("base64")}`;
}

function readCa(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`unable to open CA certificate file "${file}": ${(error as Error).message}`);
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly product?: string;
}

function send(name: string, server: Server, { method, path, body, type, headers }: Request): Promise<Answer> {
  const url = new URL(server.endpoint.replace(/\/$/, "") + path);
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const out = request(url, {
      method,
      ca: server.ca,
      timeout: 120_000,
      headers: {
        ...(server.authorization ? { authorization: server.authorization } : {}),
        ...(text === undefined
          ? {}
          : { "content-type": type ?? "application/json", "content-length": Buffer.byteLength(text) }),
        ...headers,
      },
    });
    out.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const product = response.headers["x-elastic-product"] as string | undefined;
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), product });
      });
    });
    const where = `${name} at ${url.origin}: ${method} ${url.pathname}`;
    out.on("error", (error) =>
      reject(new Error(`${where}: ${error.message || String((error as NodeJS.ErrnoException).code)}`)),
    );
    out.on("timeout", () => out.destroy(new Error("no answer within two minutes")));
    out.end(text);
  });
}

function parse(name: string, { method, path, allow }: Request, { status, text }: Answer): unknown {
  if (allow?.includes(status)) return undefined;
  if (status < 200 || status > 299)
    throw new Error(`${name}: ${method} ${path} was answered with ${status}: ${text.slice(0, 2000)}`);
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw new Error(
      `${name}: ${method} ${path} was answered with something that is no JSON: ${text.slice(0, 200)}`,
    );
  }
}
