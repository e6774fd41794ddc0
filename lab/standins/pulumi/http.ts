/** The provider's configuration, and requests to the two servers as elasticstack 0.11.17 sends them. */
import { readFileSync } from "node:fs";
import { FormData } from "undici";
import { sendRequest, basicAuth } from "../../../connection/https";
import type { Kind } from "./kinds";
import { isObject, type Props } from "./marks";
import { refuse } from "./serve";

/**
 * Returns a function that sends requests to the servers, with logins and certificates from the provider's configuration. A
 * request is a text such as "GET /_ingest/pipeline/{id}", in which braces stand for values. The function returns the reply's
 * JSON; undefined if a GET finds nothing. It throws an Error with the server's status and message.
 */
export function createSend(config: Props) {
  const servers = { Elasticsearch: server(config.elasticsearch), Kibana: server(config.kibana) };
  return async (to: Pick<Kind, "server" | "headers">, line: string, values: Props = {}, body?: unknown) => {
    const { endpoint, authorization, ca } = servers[to.server];
    const filled = line.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
    const [method = "", place = ""] = filled.split(" ");
    const { origin, pathname, search } = new URL(endpoint + place);
    const content = body instanceof FormData ? body : JSON.stringify(body);
    const { status, text, ...reply } = await sendRequest({
      ...{ origin, ca, method, path: pathname + search, body: content, seconds: 120 },
      headers: {
        authorization,
        ...(typeof content === "string" && { "content-type": "application/json" }),
        ...(to.server === "Kibana" && method !== "GET" && { "kbn-xsrf": "true" }),
        ...to.headers,
      },
    }).catch((error: Error) => Promise.reject(new Error(`${to.server} at ${error.message}`)));
    if (status === 404 && method === "GET") return undefined;
    const answered = `${to.server}: ${filled} was answered with`;
    if (status < 200 || status > 299) throw new Error(`${answered} ${status}: ${text.slice(0, 2000)}`);
    if (to.server === "Elasticsearch" && reply.headers["x-elastic-product"] !== to.server) {
      throw new Error(`${answered} no x-elastic-product: the server is not Elasticsearch`);
    }
    return text === "" ? {} : (JSON.parse(text) as unknown);
  };
}

/** Returns a block of the configuration; the generated SDK sends it as JSON text. Kibana's certificate is in a file. */
function server(value: unknown) {
  const block: unknown = typeof value === "string" ? JSON.parse(value) : value;
  const given = (isObject(block) ? block : {}) as Record<string, string> & Record<string, string[]>;
  refuse("the provider", Object.keys(given), ["endpoints", "username", "password", "caData", "caCerts"]);
  const file = given.caCerts?.[0];
  return {
    endpoint: given.endpoints?.[0] ?? "",
    authorization: basicAuth(given.username ?? "", given.password ?? ""),
    ca: file === undefined ? given.caData : readFileSync(file, "utf8"),
  };
}
