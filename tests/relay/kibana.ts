import { createServer } from "node:http";
import { listenAnywhere } from "../../core/ports";

/** A server in place of Kibana, for requests without a login. */
export class KibanaStatus {
  status = 200;
  port = 0;
  /** The paths of the requests. */
  readonly asked: string[] = [];
  private readonly server = createServer(({ url = "" }, response) => {
    this.asked.push(url);
    const level = this.status === 200 ? "available" : "unavailable";
    response.writeHead(this.status).end(JSON.stringify({ status: { overall: { level } } }));
  });

  async up(): Promise<this> {
    this.port = await listenAnywhere(this.server);
    return this;
  }

  async down(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
