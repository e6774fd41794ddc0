/** Every request to Kibana's API that Elastic's provider, `npm run verify` or the lab sends. The reply to all others is 404. */
import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { importFile } from "./import";
import { type Connector, find, type Kibana, type View } from "./kibana";
import { roles } from "./roles";
import { acceptRule, switchRule } from "./rules";
import * as schemas from "./schemas";
import { check, checkBody, refuse } from "./schemas";

/** Returns the object to save, new or instead of `old`, with Kibana's defaults. Throws Kibana's error if it refuses the object. */
type Accept<S> = (c: Context, id: string, old?: S) => Promise<S>;

/** Returns an object as the API shows it: a rule without Kibana's internal data. */
const shown = (object: object) => ({ ...object, kept: undefined });

/** Returns the API for the objects of one type. The server saves them after each request. */
function resource<S extends { id: string }>(type: string, saved: Record<string, S>, accept: Accept<S>): Hono {
  // Only data views are shown in an envelope and changed with POST, and the reply to their removal is 200.
  const isView = type === "index-pattern";
  const show = (object: S): object => (isView ? { data_view: object } : shown(object));
  return new Hono()
    .get("/:id", (c) => c.json(show(find(type, saved, c.req.param("id")))))
    .on(isView ? "POST" : "PUT", "/:id", async (c) => {
      const old = find(type, saved, c.req.param("id"));
      // The same object is changed, because a rule may be running.
      return c.json(show(Object.assign(old, await accept(c, old.id, old))));
    })
    .post("/:id?", async (c) => {
      const id = c.req.param("id") ?? randomUUID();
      if (saved[id]) refuse(409, `Saved object [${type}/${id}] conflict`);
      const made = await accept(c, id);
      saved[made.id] = made;
      return c.json(show(made));
    })
    .delete("/:id", (c) => {
      delete saved[find(type, saved, c.req.param("id")).id];
      return isView ? c.json({}) : c.body(null, 204);
    });
}

const GOLD = [".email", ".slack", ".teams", ".webhook", ".jira", ".pagerduty", ".servicenow"];
const BASIC = "is disabled because your basic license does not support it. Please upgrade your license.";

async function acceptConnector(c: Context, id: string, old?: Connector): Promise<Connector> {
  const body = await checkBody(old ? schemas.connectorUpdate : schemas.connectorCreate, c);
  const { name, connector_type_id: type } = { connector_type_id: ".index", ...body };
  if (GOLD.includes(type)) refuse(403, `Action type ${type} ${BASIC}`);
  if (type !== ".index") refuse(400, `Action type "${type}" is not registered.`);
  const config = check(schemas.indexConfig, body.config, "error validating connector type config: [");
  const flags = { is_preconfigured: false, is_deprecated: false, is_missing_secrets: false };
  return { id, name, connector_type_id: type, config, ...flags };
}

async function acceptView(c: Context, id: string, old?: View): Promise<View> {
  const { data_view } = await checkBody(old ? schemas.viewUpdate : schemas.viewCreate, c);
  return { id, sourceFilters: [], fieldFormats: {}, fieldAttrs: {}, runtimeFieldMap: {}, ...data_view };
}

/** Returns a Kibana's API, without its base path. */
export function api(kibana: Kibana): Hono {
  const { alert, action, "index-pattern": views } = kibana.saved;
  return new Hono()
    .get("/alerting/rules/_find", (c) => {
      const [page, per_page] = [Number(c.req.query("page") ?? 1), Number(c.req.query("per_page") ?? 10)];
      const all = Object.values(alert).map(shown);
      const data = all.slice((page - 1) * per_page, page * per_page);
      return c.json({ page, per_page, total: all.length, data });
    })
    .post("/alerting/rule/:id/:switch{_enable|_disable}", async (c) => {
      const rule = find("alert", alert, c.req.param("id"));
      await switchRule(kibana, c, rule, c.req.param("switch") === "_enable");
      return c.body(null, 204);
    })
    .route(
      "/alerting/rule",
      resource("alert", alert, (...wanted) => acceptRule(kibana, ...wanted)),
    )
    .route("/actions/connector", resource("action", action, acceptConnector))
    .route("/data_views/data_view", resource("index-pattern", views, acceptView))
    .post("/saved_objects/_import", (c) => importFile(kibana, c))
    .route("/security/role", roles(kibana));
}
