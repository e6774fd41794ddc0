/** The provider's configuration, and requests to the two servers as elasticstack 0.11.17 makes them. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { ask, basic } from "../../../reach/https";
import { isObject, type Props } from "./marks";
import { refuse } from "./serve";

export interface Request {
  readonly server: "Elasticsearch" | "Kibana";
  /** Such as "GET /_ingest/pipeline/x", encoded. */
  readonly line: string;
  /** What is to follow it, where that depends on what is sent. */
  readonly query?: string;
  /** JSON, or a text whose type is among the headers. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** 404 is an answer too: undefined. */
  readonly mayBeGone?: boolean;
}

/** One request; gives the answer's JSON, and throws with the server's status and words. */
export type Send = (request: Request) => Promise<unknown>;

/** A way to the servers, with logins and certificates from the provider's configuration. */
export function createSend(config: Props): Send {
  const servers = { Elasticsearch: server(config.elasticsearch), Kibana: server(config.kibana) };
  return async ({ server: name, line, body, headers, mayBeGone }) => {
    const { endpoint, authorization, ca } = servers[name];
    const [method, path = ""] = line.split(" ");
    const { origin, pathname, search } = new URL(endpoint + path);
    const content = typeof body === "string" ? body : JSON.stringify(body);
    const { status, text, ...reply } = await ask({
      ...{ origin, ca, method, path: pathname + search, body: content, seconds: 120 },
      headers: { authorization, ...(content && { "content-type": "application/json" }), ...headers },
    }).catch((error: Error) => Promise.reject(new Error(`${name} at ${error.message}`)));
    if (status === 404 && mayBeGone) return undefined;
    const answered = `${name}: ${line} was answered with`;
    if (status < 200 || status > 299) throw new Error(`${answered} ${status}: ${text.slice(0, 2000)}`);
    if (name === "Elasticsearch" && reply.headers["x-elastic-product"] !== name) {
      throw new Error(`${answered} no x-elastic-product: the server is not Elasticsearch`);
    }
    return text === "" ? {} : (JSON.parse(text) as unknown);
  };
}

interface Server {
  readonly endpoint: string;
  readonly authorization: string;
  /** PEM; without it, the system's. */
  readonly ca?: string;
}

/** A block of the configuration; the generated SDK sends it as JSON text. Kibana's certificate is in a file. */
function server(value: unknown): Server {
  const block: unknown = typeof value === "string" ? JSON.parse(value) : value;
  const given = (isObject(block) ? block : {}) as Record<string, string> & Record<string, string[]>;
  refuse("the provider", Object.keys(given), ["endpoints", "username", "password", "caData", "caCerts"]);
  const file = given.caCerts?.[0];
  return {
    endpoint: given.endpoints?.[0] ?? "",
    authorization: basic(given.username ?? "", given.password ?? ""),
    ca: file === undefined ? given.caData : readFileSync(file, "utf8"),
  };
}

/** A text as the content of a request that uploads a file. */
export function upload(text: string): Pick<Request, "body" | "headers"> {
  const boundary = randomBytes(30).toString("hex");
  const body =
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="file.ndjson"\r\n` +
    `Content-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n--${boundary}--\r\n`;
  return { body, headers: { "content-type": `multipart/form-data; boundary=${boundary}` } };
}
