import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request as overHttp } from "node:http";
import { request as overHttps } from "node:https";
import { text } from "node:stream/consumers";
import type { Json } from "../../../tools/detections/es-query";
import type { Settings } from "./settings";

export interface Answer {
  status: number;
  body: Json;
}

/** What Elasticsearch says is wrong, in one line. */
export function reason({ status, body }: Answer): string {
  const { root_cause: [root] = [] } = (body.error ?? {}) as { root_cause?: { reason: string }[] };
  return root?.reason ?? `Elasticsearch answered ${status}`;
}

/** The `Authorization` header of a name and a password. */
export const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;

/** Elasticsearch as Kibana's settings describe it: its host, the authorities it is trusted by, and Kibana's own login. */
export class Elasticsearch {
  /** The `Authorization` header of Kibana's own login. */
  readonly own: string;
  private readonly ca: Buffer[] | undefined;

  constructor(private readonly settings: Settings) {
    this.own = basic(settings["elasticsearch.username"], settings["elasticsearch.password"]);
    const files = settings["elasticsearch.ssl.certificateAuthorities"];
    this.ca = files.length > 0 ? files.map((file) => readFileSync(file)) : undefined;
  }

  /**
   * One call. Throws when it cannot be reached. By Node's own client and not reach/https.ts, because undici does not run on
   * the containers' Node 18.
   */
  async call(method: string, path: string, auth: string, body?: object): Promise<Answer> {
    const url = new URL(path, this.settings["elasticsearch.hosts"][0]);
    const data = body === undefined ? "" : JSON.stringify(body);
    // Node leaves the length out of a DELETE.
    const length = Buffer.byteLength(data);
    const headers = { authorization: auth, "content-type": "application/json", "content-length": length };
    const signal = AbortSignal.timeout(30_000);
    const send = url.protocol === "https:" ? overHttps : overHttp;
    const request = send(url, { method, headers, ca: this.ca, signal });
    // `once` and `text` throw what goes wrong; an error that nobody listens to would end the process.
    request.on("error", () => undefined).end(data);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const answer = await text(response);
    return { status: response.statusCode ?? 0, body: (answer ? JSON.parse(answer) : {}) as Json };
  }

  /** True once Elasticsearch takes Kibana's own login. */
  async isReady(): Promise<boolean> {
    const path = "/_security/_authenticate";
    return this.call("GET", path, this.own).then(
      ({ status }) => status === 200,
      () => false,
    );
  }
}
