import { readFileSync } from "node:fs";
import { type Server, STATUS_CODES } from "node:http";
import { createServer as createHttps } from "node:https";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { api } from "./api";
import type { Kibana } from "./kibana";
import { authorize } from "./roles";
import { refuse } from "./schemas";

function application(kibana: Kibana): Hono {
  const app = new Hono({ strict: false }).basePath(kibana.settings["server.basePath"]);
  app.notFound(() => refuse(404, "Not Found"));
  app.onError((error, c) => {
    const status = error instanceof HTTPException ? error.status : 500;
    if (status >= 500) kibana.log(error.message);
    if (status === 401) c.header("www-authenticate", 'Basic realm="Kibana"');
    return c.json({ statusCode: status, error: STATUS_CODES[status], message: error.message }, status);
  });
  // Everybody may see whether it is available; with a login, one sees more.
  app.get("/api/status", async (c) => {
    const ready = await kibana.isReady();
    const known = await authorize(kibana, c).catch(() => false);
    const status = { overall: { level: ready ? "available" : "unavailable" } };
    const version = { number: "8.19.8", build_flavor: "traditional" };
    return c.json({ ...(known && { version }), status }, ready ? 200 : 503);
  });
  app.use(async (c, next) => {
    if (!(await kibana.isReady())) refuse(503, "Kibana server is not ready yet");
    await authorize(kibana, c);
    const isRead = c.req.method === "GET";
    if (!isRead && !c.req.header("kbn-xsrf")) refuse(400, "Request must contain a kbn-xsrf header.");
    await next();
    if (!isRead) kibana.save();
  });
  // Every page of Kibana shows this.
  app.on("GET", ["/", "/app/*"], (c) =>
    c.text("This is the lab's stand-in for Kibana: it has the API, and runs the rules, but draws nothing."),
  );
  return app.route("/api", api(kibana)).route("/s/default/api", api(kibana));
}

/** Returns a Kibana's server. The caller lets it listen and runs the rules that are due. */
export function createServer(kibana: Kibana): Server {
  const { settings } = kibana;
  const { "server.ssl.enabled": isSecure, "server.ssl.certificate": cert, "server.ssl.key": key } = settings;
  const tls = isSecure && { createServer: createHttps };
  // Kibana's links are long.
  const serverOptions = {
    maxHeaderSize: 81920,
    cert: cert && readFileSync(cert),
    key: key && readFileSync(key),
  };
  return createAdaptorServer({ fetch: application(kibana).fetch, serverOptions, ...tls }) as Server;
}
