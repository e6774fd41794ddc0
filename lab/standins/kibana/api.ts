/** Every call to Kibana's API that Elastic's provider, `npm run verify` or the lab makes; others are answered with 404. */
import { randomUUID } from "node:crypto";
import type { Json } from "../../../tools/detections/es-query";
import { reason } from "./elasticsearch";
import { createRule, deleteRule, type Kibana, showRule, updateRule } from "./rules";
import * as schemas from "./schemas";
import { check, Refusal } from "./schemas";
import type { Connector, SavedObject, Store } from "./store";

/** Who calls. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** The `Authorization` header to act as this user. */
  readonly auth: string;
}

/** A call that was let in. */
export interface Call {
  /** `GET /api/...`, without the base path and the space. */
  readonly call: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: Buffer;
  readonly login: Login;
}

const json = ({ body }: Call): unknown => (body.length === 0 ? {} : JSON.parse(body.toString()));

const GOLD = [".email", ".slack", ".teams", ".webhook", ".jira", ".pagerduty", ".servicenow"];

function connectorConfig(type: string, config: unknown): Connector["config"] {
  if (GOLD.includes(type))
    throw new Refusal(
      403,
      `Action type ${type} is disabled because your basic license does not support it. Please upgrade your license.`,
    );
  if (type !== ".index") throw new Refusal(400, `Action type "${type}" is not registered.`);
  return check(schemas.indexConfig, config, "", "error validating connector type config: ");
}

const showConnector = (connector: Connector): Json => ({
  ...connector,
  is_preconfigured: false,
  is_deprecated: false,
  is_missing_secrets: false,
  is_system_action: false,
});

function createConnector({ store }: Kibana, call: Call, id: string): Json {
  const { name, connector_type_id, config } = check(schemas.connectorCreate, json(call), "request body");
  const connector = { id, name, connector_type_id, config: connectorConfig(connector_type_id, config) };
  store.mustBeNew("action", id);
  store.state.action[id] = connector;
  store.save();
  return showConnector(connector);
}

function updateConnector({ store }: Kibana, call: Call, id: string): Json {
  const connector = store.find("action", id);
  const { name, config } = check(schemas.connectorUpdate, json(call), "request body");
  Object.assign(connector, { name, config: connectorConfig(connector.connector_type_id, config) });
  store.save();
  return showConnector(connector);
}

function showView(store: Store, id: string): Json {
  const none = {
    sourceFilters: [],
    fields: {},
    typeMeta: {},
    fieldFormats: {},
    fieldAttrs: {},
    runtimeFieldMap: {},
  };
  const view = store.find("index-pattern", id);
  return { data_view: { ...none, ...view, version: "WzEsMV0=", namespaces: ["default"] } };
}

function createView({ store }: Kibana, call: Call): Json {
  const { data_view: view, override } = check(schemas.viewCreate, json(call), "request body");
  const views = store.state["index-pattern"];
  const same = Object.values(views).find(({ name }) => name === view.name);
  if (same && !override) throw new Refusal(400, `Duplicate data view: ${view.name}`);
  if (same) delete views[same.id];
  if (!override) store.mustBeNew("index-pattern", view.id);
  views[view.id] = view;
  store.save();
  return showView(store, view.id);
}

function updateView({ store }: Kibana, call: Call, id: string): Json {
  Object.assign(
    store.find("index-pattern", id),
    check(schemas.viewUpdate, json(call), "request body").data_view,
  );
  store.save();
  return showView(store, id);
}

/** The newest version of each kind of saved object that Kibana 8.19 knows. */
const VERSIONS = { dashboard: "10.2.0", search: "8.0.0" };
const isKnown = (type: string): type is keyof typeof VERSIONS => Object.hasOwn(VERSIONS, type);

/** Why an object of an import cannot be made. */
function importProblem(
  object: SavedObject,
  isThere: (type: string, id: string) => boolean,
): Json | undefined {
  const { type, id, typeMigrationVersion: version = "", references, attributes } = object;
  if (!isKnown(type)) return { type: "unsupported_type" };
  if (version.localeCompare(VERSIONS[type], "en", { numeric: true }) > 0)
    throw new Refusal(
      422,
      `Document "${id}" belongs to a more recent version of Kibana [${version}] when the last known version is [${VERSIONS[type]}].`,
    );
  const missing = references.filter(
    (to) => ["index-pattern", "search"].includes(to.type) && !isThere(to.type, to.id),
  );
  if (missing.length > 0)
    return { type: "missing_references", references: missing.map((to) => ({ type: to.type, id: to.id })) };
  const unknown =
    type === "dashboard" &&
    Object.keys(attributes).find((key) => !schemas.DASHBOARD_ATTRIBUTES.includes(key));
  if (!unknown) return undefined;
  return {
    type: "unknown",
    statusCode: 400,
    message: `[attributes.${unknown}]: definition for this key is missing`,
  };
}

/** With one object that cannot be made nothing at all is made, though `successCount` counts the others: so does Kibana. */
async function importFile({ store }: Kibana, { contentType, query, body }: Call): Promise<Json> {
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData();
  const file = form.get("file");
  if (file === null || typeof file === "string" || query.get("overwrite") !== "true")
    throw new Refusal(400, "the lab's stand-in for Kibana imports a file, and overwrites what is there");
  const lines = (await file.text()).split("\n").filter((line) => line.trim());
  const objects = lines.map((line) => check(schemas.savedObject, JSON.parse(line), "file"));
  const isThere = (type: string, id: string) =>
    store.has(type, id) || objects.some((other) => other.type === type && other.id === id);
  const results = objects.map((object) => {
    const { type, id, attributes } = object;
    const error = importProblem(object, isThere);
    return { type, id, meta: { title: attributes.title }, ...(error && { error }) };
  });
  const errors = results.filter((result) => "error" in result);
  const successResults = results.filter((result) => !("error" in result));
  const answer = { successCount: successResults.length, successResults, warnings: [] };
  if (errors.length > 0) return { success: false, errors, ...answer };
  for (const object of objects) if (isKnown(object.type)) store.state[object.type][object.id] = object;
  store.save();
  return { success: true, ...answer };
}

/** Roles are Elasticsearch's, read and written with the user's own rights. */
async function askRole(
  { elasticsearch }: Kibana,
  method: string,
  id: string,
  { login }: Call,
  body?: Json,
): Promise<Json> {
  const answer = await elasticsearch.call(
    method,
    `/_security/role/${encodeURIComponent(id)}`,
    login.auth,
    body,
  );
  if (answer.status !== 200)
    throw new Refusal(answer.status, answer.status === 404 ? "Not Found" : reason(answer));
  return answer.body;
}

/** Kibana's part of a role, as the application privileges in which Elasticsearch keeps it. */
export const APPLICATION = "kibana-.kibana";

async function getRole(kibana: Kibana, call: Call, id: string): Promise<Json> {
  const role = (await askRole(kibana, "GET", id, call))[id] as Json;
  const { cluster, indices, run_as, metadata, applications } = role;
  const entries = applications as { privileges: string[]; resources: string[] }[];
  const shown = entries.map(({ privileges, resources }) => ({
    base: privileges.map((name) => name.replace("space_", "")),
    feature: {},
    spaces: resources.map((name) => name.replace("space:", "")),
  }));
  return { name: id, metadata, elasticsearch: { cluster, indices, run_as }, kibana: shown };
}

async function putRole(kibana: Kibana, call: Call, id: string): Promise<void> {
  const { elasticsearch, kibana: entries } = check(schemas.roleBody, json(call), "request body");
  const exists = () =>
    askRole(kibana, "GET", id, call).then(
      () => true,
      () => false,
    );
  if (call.query.get("createOnly") === "true" && (await exists()))
    throw new Refusal(409, `Role already exists and cannot be created: ${id}`);
  const applications = entries.map(({ base, spaces }) => ({
    application: APPLICATION,
    privileges: base.map((name) => `space_${name}`),
    resources: spaces.map((name) => `space:${name}`),
  }));
  await askRole(kibana, "PUT", id, call, { ...elasticsearch, applications });
}

/** A page of all rules. */
function findRules({ store }: Kibana, { query }: Call): Json {
  const [page, per_page] = [Number(query.get("page") ?? 1), Number(query.get("per_page") ?? 10)];
  const all = Object.values(store.state.alert);
  const data = all.slice((page - 1) * per_page, page * per_page).map(showRule);
  return { page, per_page, total: all.length, data };
}

function switchRule({ store }: Kibana, id: string, enabled: boolean): void {
  store.find("alert", id).enabled = enabled;
  store.save();
}

const connector = "/api/actions/connector";
const rule = "/api/alerting/rule";
const view = "/api/data_views/data_view";
const role = "/api/security/role/:id";

/** `:id` is one segment of the path; where it may be missing (`:id?`), a new id is made. */
const routes: Record<string, (kibana: Kibana, call: Call, id: string) => unknown> = {
  [`POST ${connector}/:id?`]: createConnector,
  [`GET ${connector}/:id`]: ({ store }, _, id) => showConnector(store.find("action", id)),
  [`PUT ${connector}/:id`]: updateConnector,
  [`DELETE ${connector}/:id`]: ({ store }, _, id) => store.remove("action", id),
  "GET /api/alerting/rules/_find": findRules,
  [`POST ${rule}/:id?`]: (kibana, call, id) => createRule(kibana, id, json(call), call.login),
  [`GET ${rule}/:id`]: ({ store }, _, id) => showRule(store.find("alert", id)),
  [`PUT ${rule}/:id`]: (kibana, call, id) => updateRule(kibana, id, json(call), call.login),
  [`DELETE ${rule}/:id`]: (kibana, _, id) => deleteRule(kibana, id),
  [`POST ${rule}/:id/_enable`]: (kibana, _, id) => switchRule(kibana, id, true),
  [`POST ${rule}/:id/_disable`]: (kibana, _, id) => switchRule(kibana, id, false),
  [`POST ${view}`]: createView,
  [`GET ${view}/:id`]: ({ store }, _, id) => showView(store, id),
  [`POST ${view}/:id`]: updateView,
  // The one deletion that is answered with 200.
  [`DELETE ${view}/:id`]: ({ store }, _, id) => (store.remove("index-pattern", id), {}),
  "POST /api/saved_objects/_import": importFile,
  [`GET ${role}`]: getRole,
  [`PUT ${role}`]: putRole,
  [`DELETE ${role}`]: async (kibana, call, id) => void (await askRole(kibana, "DELETE", id, call)),
};

const table = Object.entries(routes).map(([route, handler]) => ({
  pattern: new RegExp(`^${route.replace("/:id?", "(?:/([^/]*))?").replace(":id", "([^/]+)")}$`),
  handler,
}));

/** Answers one call, now or in time, with JSON or (a 204) nothing; what Kibana would refuse is thrown as a `Refusal`. */
export function answerCall(kibana: Kibana, call: Call): unknown {
  for (const { pattern, handler } of table) {
    const found = pattern.exec(call.call);
    if (found) return handler(kibana, call, decodeURIComponent(found[1] ?? "") || randomUUID());
  }
  throw new Refusal(404, "Not Found");
}
