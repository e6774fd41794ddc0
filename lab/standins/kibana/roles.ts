/** Who may use Kibana. Kibana's part of a role is stored in Elasticsearch's role, as an application's privileges. */
import { type Context, Hono } from "hono";
import type { Json } from "../../../core/json";
import type { Kibana } from "./kibana";
import { checkBody, refuse, role } from "./schemas";

type Granted = { application: string; privileges: string[] }[];
const application = "kibana-.kibana";

/** Returns true if a request is allowed. Throws Elasticsearch's error for an unknown login, or Kibana's 403. */
export async function authorize({ call }: Kibana, { req }: Context): Promise<true> {
  const user = await call("GET", "/_security/user/_privileges", req.header("authorization"));
  const mine = (user.applications as Granted).filter((it) => [application, "*"].includes(it.application));
  // Who has only read rights may only read.
  const enough = req.method === "GET" ? /./ : /^(\*|all)$/;
  const may = mine.some(({ privileges }) => privileges.some((name) => enough.test(name)));
  return may || refuse(403, "Forbidden");
}

/** Returns the API for roles. It reads and writes them with the caller's rights. */
export function roles({ call }: Kibana): Hono {
  const ask = (method: string, { req }: Context, body?: object): Promise<Json> =>
    call(method, `/_security/role/${req.param("id")}`, req.header("authorization"), body);
  return new Hono()
    .get("/:id", async (c) => {
      const name = c.req.param("id");
      const { cluster, indices, run_as, metadata, applications } = (await ask("GET", c))[name] as Json;
      const granted = applications as Granted;
      const kibana = granted.map(({ privileges: base }) => ({ base, feature: {}, spaces: ["default"] }));
      return c.json({ name, metadata, elasticsearch: { cluster, indices, run_as }, kibana });
    })
    .put("/:id", async (c) => {
      const { elasticsearch, kibana } = await checkBody(role, c);
      const exists = c.req.query("createOnly") === "true" && (await ask("GET", c).catch(() => false));
      if (exists) refuse(409, `Role already exists and cannot be created: ${c.req.param("id")}`);
      const applications = kibana.map(({ base }) => ({ application, privileges: base, resources: ["*"] }));
      await ask("PUT", c, { ...elasticsearch, applications });
      return c.body(null, 204);
    })
    .delete("/:id", async (c) => {
      await ask("DELETE", c);
      return c.body(null, 204);
    });
}
