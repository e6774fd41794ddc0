import * as https from "../connection/https";
import { SIEM_ADDRESS } from "./places";

/** How the lab's checks log in to the SIEM's Elasticsearch: a user and password, or an API key (`id:key`). */
export interface Login {
  readonly caPem: string;
  readonly user?: { readonly name: string; readonly password: string };
  readonly apiKey?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Sends a request with a JSON body to an HTTPS server of the lab, and returns the reply. The certificate must be from the stack's CA. */
export async function ask(
  { caPem, user, apiKey }: Login,
  method: string,
  path: string,
  body?: unknown,
  port = 9200,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const authorization = apiKey
    ? `ApiKey ${Buffer.from(apiKey).toString("base64")}`
    : https.basicAuth(user?.name ?? "", user?.password ?? "");
  const { status, text } = await https.sendRequest({
    ...{ origin: `https://${SIEM_ADDRESS}:${port}`, ca: caPem, method, path, seconds: 15 },
    headers: { authorization, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Returns the documents of a search, newest first. Throws an Error if the search fails. */
export async function search(
  login: Login,
  index: string,
  query: object,
  size = 50,
): Promise<Record<string, unknown>[]> {
  const { status, body } = await ask(login, "POST", `/${index}/_search`, {
    size,
    query,
    sort: [{ "@timestamp": "desc" }],
  });
  if (status !== 200) throw new Error(`search in ${index}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
  const { hits } = body as { hits: { hits: { _source: Record<string, unknown> }[] } };
  return hits.hits.map((hit) => hit._source);
}
