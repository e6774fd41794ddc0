import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { Settings } from "./settings";
import { isObject, type Json } from "./words";

export interface Answer {
  status: number;
  body: Json;
}

/** What Elasticsearch says is wrong, in one line. */
export function reason({ status, body }: Answer): string {
  const error = body.error;
  const root =
    isObject(error) && Array.isArray(error.root_cause) ? (error.root_cause[0] as unknown) : undefined;
  const text = isObject(root) ? root.reason : isObject(error) ? error.reason : error;
  return typeof text === "string" ? text : `Elasticsearch answered ${status}`;
}

/** The `Authorization` header of a name and a password. */
export const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;

/** Elasticsearch as Kibana's settings describe it: its hosts, TLS checks and Kibana's own login. */
export class Elasticsearch {
  /** The `Authorization` header of Kibana's own login; empty when none is set. */
  readonly own: string;
  private readonly agent: Agent;

  constructor(private readonly settings: Settings["elasticsearch"]) {
    const { username, password, serviceAccountToken, ssl } = settings;
    this.own = serviceAccountToken
      ? `Bearer ${serviceAccountToken}`
      : username
        ? basic(username, password ?? "")
        : "";
    this.agent = new Agent({
      keepAlive: true,
      rejectUnauthorized: ssl.verificationMode !== "none",
      ...(ssl.certificateAuthorities && { ca: ssl.certificateAuthorities.map((file) => readFileSync(file)) }),
      ...(ssl.verificationMode === "certificate" && { checkServerIdentity: () => undefined }),
    });
  }

  /** One call, tried on each host until one can be reached. Throws when none can. A body that is text is NDJSON. */
  async call(method: string, path: string, auth: string, body?: Json | string): Promise<Answer> {
    let failure: unknown;
    for (const host of this.settings.hosts) {
      try {
        return await this.send(new URL(host.replace(/\/$/, "") + path), method, auth, body);
      } catch (error) {
        failure = error;
      }
    }
    throw new Error(`Elasticsearch at ${this.settings.hosts.join(", ")}: ${(failure as Error).message}`);
  }

  private send(url: URL, method: string, auth: string, body?: Json | string): Promise<Answer> {
    const secure = url.protocol === "https:";
    const type = typeof body === "string" ? "application/x-ndjson" : "application/json";
    const data = typeof body === "object" ? JSON.stringify(body) : body;
    const headers = {
      ...(auth && { authorization: auth }),
      // Node leaves the length out of a DELETE.
      ...(data !== undefined && { "content-type": type, "content-length": Buffer.byteLength(data) }),
    };
    const timeout = this.settings.requestTimeout;
    return new Promise((resolve, reject) => {
      const options = { method, headers, timeout, ...(secure && { agent: this.agent }) };
      const request = (secure ? httpsRequest : httpRequest)(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          try {
            resolve({ status: response.statusCode ?? 0, body: text ? (JSON.parse(text) as Json) : {} });
          } catch {
            reject(new Error(`no JSON in the answer to ${method} ${url.pathname}`));
          }
        });
      });
      request.on("timeout", () => request.destroy(new Error(`no answer within ${timeout} ms`)));
      request.on("error", reject);
      request.end(data);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
