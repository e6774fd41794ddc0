/** Who may use Kibana: its part of a role is kept in Elasticsearch's, as privileges of an application. */
import { type Context, Hono } from "hono";
import type { Json } from "../../../tools/detections/es-query";
import { type Elasticsearch, reason } from "./elasticsearch";
import { checkBody, refuse, roleBody } from "./schemas";

type Privileges = { application: string; privileges: string[] }[];
const application = "kibana-.kibana";
const resources = ["space:default"];

/** Whether a call's login is one of Elasticsearch's. Throws Kibana's 403 where it has no right to it. */
export async function isKnown(elasticsearch: Elasticsearch, { req }: Context): Promise<boolean> {
  const auth = req.header("authorization");
  const answer = auth && (await elasticsearch.call("GET", "/_security/user/_privileges", auth));
  if (!answer || answer.status !== 200) return false;
  const granted = (answer.body.applications as Privileges)
    .filter((it) => [application, "*"].includes(it.application))
    .flatMap(({ privileges }) => privileges);
  // Readers only read.
  const enough = req.method === "GET" ? /./ : /^(\*|all|space_all)$/;
  return granted.some((name) => enough.test(name)) || refuse(403, "Forbidden");
}

/** Roles, read and written with the rights of who calls. */
export function roles(elasticsearch: Elasticsearch): Hono {
  async function ask({ req }: Context, method: string, body?: object): Promise<Json> {
    const path = `/_security/role/${encodeURIComponent(req.param("id") ?? "")}`;
    const answer = await elasticsearch.call(method, path, req.header("authorization") ?? "", body);
    if (answer.status === 404) refuse(404, "Not Found");
    return answer.status === 200 ? answer.body : refuse(answer.status, reason(answer));
  }
  return new Hono()
    .get("/:id", async (c) => {
      const name = c.req.param("id");
      const { cluster, indices, run_as, metadata, applications } = (await ask(c, "GET"))[name] as Json;
      const bases = (applications as Privileges).map((it) =>
        it.privileges.map((it) => it.replace("space_", "")),
      );
      const kibana = bases.map((base) => ({ base, feature: {}, spaces: ["default"] }));
      return c.json({ name, metadata, elasticsearch: { cluster, indices, run_as }, kibana });
    })
    .put("/:id", async (c) => {
      const role = await checkBody(roleBody, c);
      const exists = c.req.query("createOnly") === "true" && (await ask(c, "GET").catch(() => undefined));
      if (exists) refuse(409, `Role already exists and cannot be created: ${c.req.param("id")}`);
      const privileges = role.kibana.map(({ base }) => base.map((it) => `space_${it}`));
      const applications = privileges.map((privileges) => ({ application, privileges, resources }));
      await ask(c, "PUT", { ...role.elasticsearch, applications });
      return c.body(null, 204);
    })
    .delete("/:id", (c) => ask(c, "DELETE").then(() => c.body(null, 204)));
}
