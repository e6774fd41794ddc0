import { randomUUID } from "node:crypto";
import { reason } from "./elasticsearch";
import { type Login, registerPrivileges, showRole, toApplications } from "./login";
import * as objects from "./objects";
import * as rules from "./rules-api";
import type { Runner } from "./runner";
import * as schemas from "./schemas";
import type { Connector } from "./store";
import { checkRequest, type Json, Refusal } from "./words";

export interface Request {
  method: string;
  /** Decoded, without the base path and the space. */
  path: string;
  query: URLSearchParams;
  contentType: string;
  raw: Buffer;
  login: Login;
}
export interface Response {
  status: number;
  body?: unknown;
}

type Handler = (request: Request, runner: Runner, name: string) => Promise<Response> | Response;

const ok = (body?: unknown): Response => ({ status: 200, body });
const empty: Response = { status: 204 };

function json({ raw, contentType }: Request): unknown {
  if (raw.length === 0) return {};
  if (!/^application\/([\w.-]+\+)?json/.test(contentType)) throw new Refusal(415, "Unsupported Media Type");
  try {
    return JSON.parse(raw.toString());
  } catch {
    throw new Refusal(400, "Invalid request payload JSON format");
  }
}

/** Rules and connectors hold secrets: without a key to encrypt them Kibana answers nothing useful, and says why in its log. */
function needKey(handler: Handler): Handler {
  return (request, runner, name) => {
    if (runner.encryptionKey) return handler(request, runner, name);
    runner.log(
      "ERROR",
      "http",
      "Unable to create actions client because the Encrypted Saved Objects plugin is missing encryption key. Please set xpack.encryptedSavedObjects.encryptionKey in the kibana.yml or use the bin/kibana-encryption-keys command.",
    );
    throw new Refusal(500, "An internal server error occurred. Check Kibana server logs for details.");
  };
}

const showConnector = (connector: Connector): Json => ({
  ...connector,
  is_preconfigured: false,
  is_deprecated: false,
  is_missing_secrets: false,
  is_system_action: false,
});

function findConnector({ store }: Runner, id: string): Connector {
  const found = store.state.connectors[id];
  if (!found) throw new Refusal(404, `Saved object [action/${id}] not found`);
  return found;
}

function checkConfig(type: string, config: Json): Json {
  if (schemas.goldConnectors.includes(type))
    throw new Refusal(
      403,
      `Action type ${type} is disabled because your basic license does not support it. Please upgrade your license.`,
    );
  const schema = Object.hasOwn(schemas.connectorConfigs, type) ? schemas.connectorConfigs[type] : undefined;
  if (!schema) throw new Refusal(400, `Action type "${type}" is not registered.`);
  return checkRequest(schema, config, "", "error validating connector type config: ");
}

const createConnector: Handler = (request, { store }, id) => {
  const body = checkRequest(schemas.connectorCreate, json(request), "request body");
  const { name, connector_type_id } = body;
  const connector = {
    id: id || randomUUID(),
    name,
    connector_type_id,
    config: checkConfig(connector_type_id, body.config),
  };
  if (store.state.connectors[connector.id])
    throw new Refusal(409, `Saved object [action/${connector.id}] conflict`);
  store.state.connectors[connector.id] = connector;
  store.save();
  return ok(showConnector(connector));
};

const updateConnector: Handler = (request, runner, id) => {
  const connector = findConnector(runner, id);
  const { name, config } = checkRequest(schemas.connectorUpdate, json(request), "request body");
  Object.assign(connector, { name, config: checkConfig(connector.connector_type_id, config) });
  runner.store.save();
  return ok(showConnector(connector));
};

const deleteConnector: Handler = (_, runner, id) => {
  delete runner.store.state.connectors[findConnector(runner, id).id];
  runner.store.save();
  return empty;
};

const setDefaultDataView: Handler = (request, { store }) => {
  const { data_view_id, force } = checkRequest(schemas.defaultDataView, json(request), "request body");
  if (force || !store.state.defaultDataView) store.state.defaultDataView = data_view_id;
  store.save();
  return ok({ acknowledged: true });
};

/** Roles are Elasticsearch's, read and written with the user's own rights. */
async function security(
  runner: Runner,
  request: Request,
  method: string,
  name: string,
  body?: Json,
): Promise<Json> {
  const path = `/_security/role/${encodeURIComponent(name)}`;
  const answer = await runner.elasticsearch.call(method, path, request.login.auth, body);
  if (answer.status === 404) throw new Refusal(404, "Not Found");
  if (answer.status !== 200) throw new Refusal(answer.status, reason(answer));
  return answer.body;
}

const getRole: Handler = async (request, runner, name) =>
  ok(showRole(name, (await security(runner, request, "GET", name))[name] as Json));

const putRole: Handler = async (request, runner, name) => {
  const { elasticsearch, kibana, ...rest } = checkRequest(schemas.roleBody, json(request), "request body");
  if (request.query.get("createOnly") === "true") {
    const path = `/_security/role/${encodeURIComponent(name)}`;
    const { status } = await runner.elasticsearch.call("GET", path, request.login.auth);
    if (status === 200) throw new Refusal(409, `Role already exists and cannot be created: ${name}`);
  }
  const applications = toApplications(kibana);
  const features = applications
    .flatMap(({ privileges }) => privileges)
    .filter((it) => it.startsWith("feature_"));
  if (features.length) await registerPrivileges(runner.elasticsearch, features);
  await security(runner, request, "PUT", name, { ...rest, ...elasticsearch, applications });
  return empty;
};

const importFile: Handler = async (request, { store }) => {
  const headers = { "content-type": request.contentType };
  const form = await new globalThis.Response(request.raw, { headers }).formData().catch(() => undefined);
  const file = form?.get("file");
  if (!file || typeof file === "string")
    throw new Refusal(400, "[request body.file]: expected value of type [Stream] but got [undefined]");
  if (request.query.get("createNewCopies") === "true")
    throw new Refusal(400, "the lab's stand-in for Kibana imports objects under their own ids only");
  const overwrite = request.query.get("overwrite") === "true";
  return ok(objects.importObjects(store, file.name, await file.text(), overwrite));
};

const space = {
  id: "default",
  name: "Default",
  description: "This is your default space!",
  color: "#00bfb3",
  disabledFeatures: [],
  _reserved: true,
};

const rule = "/api/alerting/rule/:name";
const connector = "/api/actions/connector/:name";
const dataView = "/api/data_views/data_view/:name";
const role = "/api/security/role/:name";

/** Every call that is answered. A path is matched without its space; `:name` is one segment. */
const routes: Record<string, Handler> = {
  "GET /api/spaces/space": () => ok([space]),
  "GET /api/spaces/space/default": () => ok(space),
  "GET /api/data_views": (_, { store }) =>
    ok({ data_view: objects.listDataViews(store).map(({ id }) => objects.getDataView(store, id).data_view) }),
  "POST /api/data_views/data_view": (request, { store }) => ok(objects.createDataView(store, json(request))),
  "GET /api/data_views/default": (_, { store }) => ok({ data_view_id: store.state.defaultDataView ?? "" }),
  "POST /api/data_views/default": setDefaultDataView,
  [`GET ${dataView}`]: (_, { store }, id) => ok(objects.getDataView(store, id)),
  [`POST ${dataView}`]: (request, { store }, id) => ok(objects.updateDataView(store, id, json(request))),
  [`DELETE ${dataView}`]: (_, { store }, id) => ok(objects.deleteDataView(store, id)),
  "POST /api/saved_objects/_import": importFile,
  "GET /api/actions/connectors": needKey((_, { store }) =>
    ok(
      Object.values(store.state.connectors).map((one) => ({ ...showConnector(one), referenced_by_count: 0 })),
    ),
  ),
  "POST /api/actions/connector": needKey(createConnector),
  [`POST ${connector}`]: needKey(createConnector),
  [`GET ${connector}`]: needKey((_, runner, id) => ok(showConnector(findConnector(runner, id)))),
  [`PUT ${connector}`]: needKey(updateConnector),
  [`DELETE ${connector}`]: needKey(deleteConnector),
  "GET /api/alerting/rules/_find": needKey(({ query }, runner) => ok(rules.findRules(runner, query))),
  "POST /api/alerting/rule": needKey(async (request, runner) =>
    ok(await rules.createRule(runner, randomUUID(), json(request), request.login)),
  ),
  [`POST ${rule}`]: needKey(async (request, runner, id) =>
    ok(await rules.createRule(runner, id, json(request), request.login)),
  ),
  [`GET ${rule}`]: needKey((_, runner, id) => ok(rules.showRule(runner, rules.findRule(runner, id)))),
  [`PUT ${rule}`]: needKey(async (request, runner, id) =>
    ok(await rules.updateRule(runner, id, json(request), request.login)),
  ),
  [`DELETE ${rule}`]: needKey(async (_, runner, id) => {
    await rules.deleteRule(runner, id);
    return empty;
  }),
  [`POST ${rule}/_enable`]: needKey(async (request, runner, id) => {
    await rules.switchRule(runner, id, true, request.login);
    return empty;
  }),
  [`POST ${rule}/_disable`]: needKey(async (request, runner, id) => {
    await rules.switchRule(runner, id, false, request.login);
    return empty;
  }),
  [`GET ${role}`]: getRole,
  [`PUT ${role}`]: putRole,
  [`DELETE ${role}`]: async (request, runner, name) => {
    await security(runner, request, "DELETE", name);
    return empty;
  },
};

const table = Object.entries(routes).map(([route, handler]) => ({
  pattern: new RegExp(`^${route.replace(/[._]/g, "\\$&").replace(":name", "([^/]+)")}$`),
  handler,
}));

/** Answers one call to the API; what Kibana would refuse is thrown as a `Refusal`. */
export async function handleApi(request: Request, runner: Runner): Promise<Response> {
  for (const { pattern, handler } of table) {
    const found = pattern.exec(`${request.method} ${request.path}`);
    if (!found) continue;
    const roles = request.path.startsWith("/api/security/");
    if (request.method !== "GET" && !roles && !request.login.mayWrite)
      throw new Refusal(
        403,
        `API [${request.method} ${request.path}] is unauthorized for user, this action is granted by the Kibana privileges [all]`,
      );
    return handler(request, runner, decodeURIComponent(found[1] ?? ""));
  }
  throw new Refusal(404, "Not Found");
}
