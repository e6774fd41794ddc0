/** Who may use Kibana. Kibana's part of a role is stored in Elasticsearch's role, as an application's privileges. */
import { type Context, Hono } from "hono";
import type { Json } from "../../../core/json";
import type { Kibana } from "./kibana";
import { checkBody, FEATURES, refuse, role } from "./schemas";

type Granted = { application: string; privileges: string[] }[];
const application = "kibana-.kibana";

/** A privilege of a feature as Elasticsearch keeps it (features/server and security/server/lib/role_transformation). */
const ofFeature = (feature: string, privilege: string) => `feature_${feature}.${privilege}`;

/**
 * The features that a request needs, by its path; one of them is enough. The real Kibana resolves features into many actions;
 * these decide about this project's requests (stack_alerts/server/feature.ts, actions/server/feature.ts, features/server/oss_features.ts).
 */
const NEEDED: [path: RegExp, features: readonly string[]][] = [
  [/\/api\/alerting\//, ["stackAlerts"]],
  [/\/api\/actions\//, ["actions"]],
  [/\/api\/data_views\//, []],
  [/\/api\/saved_objects\//, ["dashboard"]],
];

/** Returns true if a request is allowed. Throws Elasticsearch's error for an unknown login, or Kibana's 403. */
export async function authorize({ call }: Kibana, { req }: Context): Promise<true> {
  const authorization = req.header("authorization") ?? "";
  // Elasticsearch does not list the privileges of an API key; it says whether it has some.
  const mine = authorization.startsWith("ApiKey ")
    ? await privilegesOfKey(call, authorization)
    : ((await call("GET", "/_security/user/_privileges", authorization)).applications as Granted)
        .filter((it) => [application, "*"].includes(it.application))
        .flatMap(({ privileges }) => privileges);
  const isRead = req.method === "GET";
  const has = (...names: string[]) => names.some((name) => mine.includes(name));
  if (has("*", "all", "space_all") || (isRead && has("read", "space_read"))) return true;
  const needed = NEEDED.find(([path]) => path.test(req.path))?.[1];
  // Other paths, such as Kibana's status, need any feature. Elasticsearch decides about roles.
  const features = needed ?? FEATURES;
  const suffices = isRead || needed === undefined ? ["all", "read"] : ["all"];
  // Every feature that shows data may read data views.
  const reads = isRead && /\/api\/data_views\//.test(req.path) ? ["dashboard", "discover", "visualize"] : [];
  const wanted = [...features, ...reads].flatMap((feature) =>
    suffices.map((privilege) => ofFeature(feature, privilege)),
  );
  return has(...wanted) || refuse(403, "Forbidden");
}

async function privilegesOfKey(call: Kibana["call"], authorization: string): Promise<string[]> {
  const privileges = FEATURES.flatMap((name) => [ofFeature(name, "all"), ofFeature(name, "read")]);
  const body = { application: [{ application, privileges, resources: ["*"] }] };
  const answer = await call("POST", "/_security/user/_has_privileges", authorization, body);
  const found = (answer.application as Record<string, Record<string, Record<string, boolean>>>)[application];
  return privileges.filter((one) => found?.["*"]?.[one] === true);
}

/** Returns the API for roles. It reads and writes them with the caller's rights. */
export function roles({ call }: Kibana): Hono {
  const ask = (method: string, { req }: Context, body?: object): Promise<Json> =>
    call(method, `/_security/role/${req.param("id")}`, req.header("authorization"), body);
  return new Hono()
    .get("/:id", async (c) => {
      const name = c.req.param("id");
      const { cluster, indices, run_as, metadata, applications } = (await ask("GET", c))[name] as Json;
      const kibana = (applications as Granted).map(({ privileges }) => ({
        ...split(privileges),
        spaces: ["default"],
      }));
      return c.json({ name, metadata, elasticsearch: { cluster, indices, run_as }, kibana });
    })
    .put("/:id", async (c) => {
      const { elasticsearch, kibana } = await checkBody(role, c);
      const exists = c.req.query("createOnly") === "true" && (await ask("GET", c).catch(() => false));
      if (exists) refuse(409, `Role already exists and cannot be created: ${c.req.param("id")}`);
      const applications = kibana.map(({ base, feature }) => ({
        application,
        privileges: [
          ...base,
          ...Object.entries(feature).flatMap(([name, given]) => given.map((one) => ofFeature(name, one))),
        ],
        resources: ["*"],
      }));
      await ask("PUT", c, { ...elasticsearch, applications });
      return c.body(null, 204);
    })
    .delete("/:id", async (c) => {
      await ask("DELETE", c);
      return c.body(null, 204);
    });
}

/** Elasticsearch's privileges as Kibana shows them. */
function split(privileges: readonly string[]): { base: string[]; feature: Record<string, string[]> } {
  const feature: Record<string, string[]> = {};
  for (const [, name = "", privilege = ""] of privileges.flatMap((one) => [
    ...one.matchAll(/^feature_(\w+)\.(\w+)$/g),
  ]))
    (feature[name] ??= []).push(privilege);
  return { base: privileges.filter((one) => !one.startsWith("feature_")), feature };
}
