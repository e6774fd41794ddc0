import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/** One server of the provider's configuration. */
export interface Server {
  readonly endpoint: string;
  readonly username: string;
  readonly password: string;
  readonly ca?: string;
}

/** A status and a body that the caller did not ask for, in the server's own words. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    method: string,
    path: string,
    body: string,
  ) {
    super(`${method} ${path}: ${status} ${body.slice(0, 600)}`);
  }
}

export interface Body {
  readonly type: string;
  readonly text: string;
}

/** One request; gives the JSON of a 2xx answer. `undefined` for a 404 of a GET or DELETE. */
export function call(
  server: Server,
  method: string,
  path: string,
  body?: Body,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const url = new URL(server.endpoint.replace(/\/$/, "") + path);
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const authorization = `Basic ${Buffer.from(`${server.username}:${server.password}`).toString("base64")}`;
  return new Promise((resolve, reject) => {
    const out = request(
      url,
      {
        method,
        ca: server.ca,
        timeout: 60_000,
        headers: {
          authorization,
          ...(body ? { "content-type": body.type, "content-length": Buffer.byteLength(body.text) } : {}),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const status = response.statusCode ?? 0;
          if (status === 404 && (method === "GET" || method === "DELETE")) return resolve(undefined);
          if (status < 200 || status > 299) return reject(new HttpError(status, method, path, text));
          resolve(text === "" ? {} : JSON.parse(text));
        });
      },
    );
    out.on("error", (error) => reject(new Error(`${method} ${url.origin}${path}: ${error.message}`)));
    out.on("timeout", () => out.destroy(new Error("no answer within a minute")));
    out.end(body?.text);
  });
}

export function json(value: unknown): Body {
  return { type: "application/json", text: JSON.stringify(value) };
}

/** A server from the provider's config, where nested blocks arrive as JSON texts. */
export function serverOf(config: unknown): Server | undefined {
  const block = (typeof config === "string" ? JSON.parse(config) : config) as
    Record<string, unknown> | undefined | null;
  if (!block) return undefined;
  const first = (value: unknown) => (Array.isArray(value) ? String(value[0] ?? "") : "");
  const files = Array.isArray(block.caCerts)
    ? block.caCerts.map((file) => readFileSync(String(file), "utf8"))
    : [];
  return {
    endpoint: first(block.endpoints),
    username: String(block.username ?? ""),
    password: String(block.password ?? ""),
    ca: typeof block.caData === "string" ? block.caData : files.length > 0 ? files.join("\n") : undefined,
  };
}
