import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";

/** What Filebeat sends of an event, as far as the tests read it. */
export interface SentEvent {
  readonly message: string;
  readonly tags?: readonly string[];
  readonly journald?: { readonly uid?: number; readonly custom?: Record<string, string> };
  readonly log?: { readonly flags?: readonly string[] };
}

/** A server that accepts every bulk request, each after a pause, as a busy Elasticsearch does. */
export class SlowElasticsearch {
  /** What it was sent, in order. */
  readonly events: SentEvent[] = [];
  private readonly server: Server;

  /** @param pauseMs how long a bulk request takes */
  constructor(pauseMs: number) {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        void (async () => {
          const isBulk = request.url?.includes("_bulk") === true;
          if (isBulk) await sleep(pauseMs);
          const sent = Buffer.concat(chunks);
          const isPacked = request.headers["content-encoding"] === "gzip";
          const body = isBulk
            ? this.takeBulk(isPacked ? gunzipSync(sent) : sent)
            : { version: { number: "7.17.29" } };
          response.setHeader("X-Elastic-Product", "Elasticsearch");
          response.setHeader("Content-Type", "application/json");
          response.end(JSON.stringify(body));
        })();
      });
    });
  }

  /** Starts it; returns its URL. */
  async start(): Promise<string> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private takeBulk(body: Buffer): object {
    const lines = body.toString().split("\n");
    const events = lines.filter((line, index) => index % 2 === 1 && line !== "");
    this.events.push(...events.map((line) => JSON.parse(line) as SentEvent));
    return { errors: false, items: events.map(() => ({ create: { status: 201 } })) };
  }
}
