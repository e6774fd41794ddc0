import { readFileSync } from "node:fs";
import { type Server, STATUS_CODES } from "node:http";
import { createServer as createHttps } from "node:https";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { api } from "./api";
import { isKnown } from "./roles";
import type { Kibana } from "./saved";
import { refuse } from "./schemas";

function application(kibana: Kibana): Hono {
  const app = new Hono({ strict: false }).basePath(kibana.settings["server.basePath"]);
  app.notFound(() => refuse(404, "Not Found"));
  app.onError((error, c) => {
    const status = error instanceof HTTPException ? error.status : 500;
    if (status === 500) kibana.log(error.message);
    if (status === 401) c.header("www-authenticate", 'Basic realm="Kibana"');
    return c.json({ statusCode: status, error: STATUS_CODES[status], message: error.message }, status);
  });
  // Everybody may know whether it is available; who has a login sees more.
  app.get("/api/status", async (c) => {
    const ready = await kibana.elasticsearch.isReady();
    const known = ready && (await isKnown(kibana.elasticsearch, c).catch(() => false));
    const status = { overall: { level: ready ? "available" : "unavailable" } };
    const version = { number: "8.19.8", build_flavor: "traditional" };
    return c.json({ ...(known && { version }), status }, ready ? 200 : 503);
  });
  app.use(async (c, next) => {
    if (!(await kibana.elasticsearch.isReady())) {
      kibana.log("Elasticsearch cannot be reached, or does not take Kibana's own login");
      refuse(503, "Kibana server is not ready yet");
    }
    if (!(await isKnown(kibana.elasticsearch, c))) refuse(401, "Unauthorized");
    const isRead = c.req.method === "GET";
    if (!isRead && !c.req.header("kbn-xsrf")) refuse(400, "Request must contain a kbn-xsrf header.");
    return next();
  });
  // What people see, wherever in Kibana they go.
  app.on("GET", ["/", "/app/*"], (c) =>
    c.text("This is the lab's stand-in for Kibana: it has the API, and runs the rules, but draws nothing."),
  );
  return app.route("/api", api(kibana)).route("/s/default/api", api(kibana));
}

/** The server of a Kibana. The caller makes it listen, and runs the rules that are due. */
export function createServer(kibana: Kibana): Server {
  const { settings } = kibana;
  const { fetch } = application(kibana);
  // Kibana's own links are long.
  const serverOptions = { maxHeaderSize: 81920 };
  if (!settings["server.ssl.enabled"]) return createAdaptorServer({ fetch, serverOptions }) as Server;
  const cert = readFileSync(settings["server.ssl.certificate"]);
  const key = readFileSync(settings["server.ssl.key"]);
  const tls = { ...serverOptions, cert, key };
  return createAdaptorServer({ fetch, createServer: createHttps, serverOptions: tls }) as Server;
}
