import { request } from "node:https";
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

/** One request to an HTTPS server of the lab, its body as JSON; the certificate is checked against the stack's CA. */
export function ask(
  login: Login,
  method: string,
  path: string,
  body?: unknown,
  port = 9200,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const authorization = login.apiKey
    ? `ApiKey ${Buffer.from(login.apiKey).toString("base64")}`
    : `Basic ${Buffer.from(`${login.user?.name}:${login.user?.password}`).toString("base64")}`;
  // Node sends no length with a DELETE by itself.
  const text = body === undefined ? "" : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: SIEM_ADDRESS,
        port,
        path,
        method,
        ca: login.caPem,
        timeout: 15_000,
        headers: {
          authorization,
          "content-type": "application/json",
          "content-length": Buffer.byteLength(text),
          ...headers,
        },
      },
      (response) => {
        let answer = "";
        response.on("data", (chunk: Buffer) => (answer += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parse(answer) }));
      },
    );
    call.on("error", reject);
    call.on("timeout", () => call.destroy(new Error(`${path} gave no answer within 15 seconds`)));
    call.end(text);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Documents of a search, newest first. */
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
