import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What answers in Kibana's place to somebody without a login. */
export class KibanaStatus {
  status = 200;
  port = 0;
  /** The paths that it was asked for. */
  readonly asked: string[] = [];
  private readonly server = createServer(({ url = "" }, response) => {
    this.asked.push(url);
    const level = this.status === 200 ? "available" : "unavailable";
    response.writeHead(this.status).end(JSON.stringify({ status: { overall: { level } } }));
  });

  async up(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  async down(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
