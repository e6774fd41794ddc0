/** Every call to Kibana's API that Elastic's provider, `npm run verify` or the lab makes; others are answered with 404. */
import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { importFile } from "./import";
import { roles } from "./roles";
import { acceptRule, showRule } from "./rules";
import type { Connector, Kibana, Rule, Saved, View } from "./saved";
import * as schemas from "./schemas";
import { check, checkBody, refuse } from "./schemas";

/** How objects of one type come in and are shown; the rest is the same for all. */
interface Kind<S> {
  /** What a call wants to be saved, new or in place of `old`, with Kibana's defaults. Throws what Kibana refuses. */
  readonly accept: (c: Context, id: string, old?: S) => Promise<S>;
  readonly show: (saved: S) => object;
  /** Data views alone are changed by POST, and their removal is answered with 200. */
  readonly byPost?: true;
}

function resource<S extends { id: string }>(saved: Saved<S>, { accept, show, byPost }: Kind<S>): Hono {
  return new Hono()
    .get("/:id", (c) => c.json(show(saved.find(c.req.param("id")))))
    .on(byPost ? "POST" : "PUT", "/:id", async (c) => {
      const old = saved.find(c.req.param("id"));
      // In place: a rule may be running.
      Object.assign(old, await accept(c, old.id, old));
      saved.save();
      return c.json(show(old));
    })
    .post("/:id?", async (c) => {
      const id = c.req.param("id") ?? randomUUID();
      if (saved.has(id)) refuse(409, `Saved object [${saved.type}/${id}] conflict`);
      const made = await accept(c, id);
      saved.set(made.id, made).save();
      return c.json(show(made));
    })
    .delete("/:id", (c) => {
      saved.delete(saved.find(c.req.param("id")).id);
      saved.save();
      return byPost ? c.json({}) : c.body(null, 204);
    });
}

const GOLD = [".email", ".slack", ".teams", ".webhook", ".jira", ".pagerduty", ".servicenow"];
const BASIC = "is disabled because your basic license does not support it. Please upgrade your license.";

const connectors: Kind<Connector> = {
  async accept(c, id, old) {
    const body = await checkBody(old ? schemas.connectorUpdate : schemas.connectorCreate, c);
    const { name, connector_type_id: type } = { connector_type_id: ".index", ...body };
    if (GOLD.includes(type)) refuse(403, `Action type ${type} ${BASIC}`);
    if (type !== ".index") refuse(400, `Action type "${type}" is not registered.`);
    const config = check(schemas.indexConfig, body.config, "error validating connector type config: [");
    return { id, name, connector_type_id: type, config };
  },
  show: (it) => ({ ...it, is_preconfigured: false, is_deprecated: false, is_missing_secrets: false }),
};

const dataViews: Kind<View> = {
  byPost: true,
  async accept(c, id, old) {
    const { data_view } = await checkBody(old ? schemas.viewUpdate : schemas.viewCreate, c);
    return { id, ...old, ...data_view };
  },
  show: (it) => ({
    data_view: { sourceFilters: [], fieldFormats: {}, fieldAttrs: {}, runtimeFieldMap: {}, ...it },
  }),
};

/** The API of a Kibana, for each path that it is at. */
export function api(kibana: Kibana): Hono {
  const { rules } = kibana;
  const ruleKind: Kind<Rule> = { accept: (...wanted) => acceptRule(kibana, ...wanted), show: showRule };
  return new Hono()
    .get("/alerting/rules/_find", (c) => {
      const [page, per_page] = [Number(c.req.query("page") ?? 1), Number(c.req.query("per_page") ?? 10)];
      const data = [...rules.values()].slice((page - 1) * per_page, page * per_page).map(showRule);
      return c.json({ page, per_page, total: rules.size, data });
    })
    .post("/alerting/rule/:id/:switch{_enable|_disable}", (c) => {
      rules.find(c.req.param("id")).enabled = c.req.param("switch") === "_enable";
      rules.save();
      return c.body(null, 204);
    })
    .route("/alerting/rule", resource(rules, ruleKind))
    .route("/actions/connector", resource(kibana.connectors, connectors))
    .route("/data_views/data_view", resource(kibana.views, dataViews))
    .post("/saved_objects/_import", (c) => importFile(kibana, c))
    .route("/security/role", roles(kibana.elasticsearch));
}
