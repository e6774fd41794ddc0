/**
 * The types of resources that the stack makes, as a table: their requests, their properties, and where one of them is
 * not like the others. Requests and bodies as recorded from elasticstack 0.11.17, habits as seen in it.
 */
import { stableJson } from "../../../render/json";
import { type Field, type Fields, toBody, valueAt } from "./fields";
import { type Request, upload } from "./http";
import { isObject, type Props } from "./marks";

/** One more request of an update, "{id}" for the resource. */
type Call = (line: string, content?: Partial<Request>) => Promise<unknown>;

export interface Kind {
  readonly server: "Elasticsearch" | "Kibana";
  readonly fields: Fields;
  /** Requests, "{id}" for the resource's name or id. Without `read` nothing is ever seen, without `delete` it stays. */
  readonly create: string;
  readonly update?: string;
  readonly read?: string;
  readonly delete?: string;
  /** Where the resource is in the answer to `read`. */
  readonly found?: string;
  /** Outputs, with their places in the answer to `create`, or to each write where nothing is read. */
  readonly made?: Readonly<Record<string, string>>;
  readonly secret?: readonly string[];
  /** Where the server makes the id: its place in the answer to `create`. */
  readonly id?: string;
  /** What is before its name in its id; without it, the cluster's UUID. */
  readonly prefix?: string;
  /** The answers to its writes say what is there, and are taken for it. */
  readonly echoes?: true;
  /** It may be deleted where it is gone. */
  readonly mayBeGone?: true;
  /** An older client of the provider's, with Kibana's headers on every request. */
  readonly oldClient?: true;
  /** What its writes carry where that is no JSON of its fields. */
  readonly content?: (inputs: Props) => Partial<Request>;
  /** What else the body of its writes says, or does not. */
  readonly body?: (body: Props, state: Props) => Props;
  readonly deletion?: (id: string) => Props;
  /** What else an update takes; `answer` is that to its request. */
  readonly afterUpdate?: (call: Call, inputs: Props, state: Props, answer: unknown) => Promise<unknown>;
  /** Looks at the answer to a write: gives a warning, or throws. */
  readonly review?: (answer: Props) => string | undefined;
}

/** Requests of what one PUT makes and changes under its name. */
function named(item: string) {
  return { create: `PUT ${item}`, update: `PUT ${item}`, read: `GET ${item}`, delete: `DELETE ${item}` };
}

/** What a PUT to Elasticsearch makes; `found` is its place in the answer to GET. */
function elasticsearch(item: string, found: string) {
  return { server: "Elasticsearch", ...named(item), found } as const;
}

/** What a POST to the default space makes. */
function kibana(create: string, item: string) {
  const path = "/s/default/api";
  return {
    ...({ server: "Kibana", prefix: "default" } as const),
    ...named(`${path}/${item}`),
    create: `POST ${path}/${create}`,
  };
}

const key: Field = { key: true };
const json: Field = { json: true };
const fixed: Field = { once: true, replaces: true };

/** A mapping, or a field in it, with the fields that are gone from it: they stay in the index, and the provider lets them. */
function withOldFields(was: unknown, wanted: unknown): unknown {
  if (!isObject(was) || !isObject(was.properties) || !isObject(wanted)) return wanted;
  const fields = isObject(wanted.properties) ? wanted.properties : {};
  const old = Object.entries(was.properties).map(([name, field]) => [
    name,
    name in fields ? withOldFields(field, fields[name]) : field,
  ]);
  return { ...wanted, properties: { ...fields, ...(Object.fromEntries(old) as Props) } };
}

/** Whether a field has another type than it had: that takes another index. */
function retyped(was: unknown, wanted: unknown): boolean {
  if (!isObject(was) || !isObject(wanted)) return false;
  if ((was.type ?? "object") !== (wanted.type ?? "object")) return true;
  const fields = isObject(wanted.properties) ? wanted.properties : {};
  return Object.entries(was.properties ?? {}).some(([name, field]) => retyped(field, fields[name]));
}

const index: Kind = {
  ...elasticsearch("/{id}", "{id}"),
  create: "PUT /{id}?master_timeout=30000ms&timeout=30000ms&wait_for_active_shards=1",
  update: undefined,
  read: "GET /{id}?flat_settings=true",
  // Of the settings the real one reads back nothing that it compares.
  fields: {
    name: key,
    mappings: { json: true, merge: withOldFields, replaces: retyped },
    numberOfShards: { at: "settings.number_of_shards", unread: true, ...fixed },
    numberOfReplicas: { at: "settings.number_of_replicas", unread: true },
    defaultPipeline: { at: "settings.default_pipeline", unread: true },
    deletionProtection: { local: true, initial: true },
  },
  async afterUpdate(call, inputs, state) {
    const [was, wanted] = [state, inputs].map((from) => toBody(index.fields, from, false)) as [Props, Props];
    if (stableJson(was.settings) !== stableJson(wanted.settings)) {
      await call("PUT /{id}/_settings", { body: wanted.settings });
    }
    const mappings = withOldFields(was.mappings, wanted.mappings);
    if (stableJson(was.mappings) !== stableJson(mappings)) {
      await call("PUT /{id}/_mapping", { body: mappings });
    }
  },
};

/** Role descriptors without what Elasticsearch adds to them. */
function keptDescriptors(descriptors: unknown): unknown {
  const kept = Object.entries(descriptors as Props).map(([name, descriptor]) => {
    const { cluster, indices } = descriptor as Props;
    return [name, { cluster, indices }];
  });
  return Object.fromEntries(kept);
}

function importProblem(answer: Props): string | undefined {
  if (answer.success === true) return undefined;
  const errors = (answer.errors as Props[] | undefined) ?? [];
  const details = errors.map(
    ({ id, type, error }) => `${String(type)} ${String(id)}: ${JSON.stringify(error)}`,
  );
  if (!answer.successCount) throw new Error(`no objects imported successfully: ${details.join("; ")}`);
  return `not all objects were imported successfully: ${details.join("; ")}`;
}

/** By their names in the program. */
export const KINDS: Readonly<Record<string, Kind>> = {
  ElasticsearchIngestPipeline: {
    ...elasticsearch("/_ingest/pipeline/{id}", "{id}"),
    fields: { name: key, description: {}, processors: json, onFailures: { at: "on_failure", json: true } },
  },
  ElasticsearchIndexTemplate: {
    ...elasticsearch("/_index_template/{id}", "index_templates.0.index_template"),
    fields: {
      name: key,
      indexPatterns: { set: true },
      priority: {},
      dataStream: { fields: { hidden: { initial: false } } },
      template: { fields: { mappings: json, settings: json, lifecycle: { fields: { dataRetention: {} } } } },
    },
    body: (body) => ({ composed_of: [], ...body }),
  },
  ElasticsearchIndex: index,
  ElasticsearchSecurityUser: {
    ...elasticsearch("/_security/user/{id}", "{id}"),
    fields: {
      username: key,
      password: { unread: true },
      roles: { set: true },
      fullName: {},
      email: {},
      enabled: {},
    },
    secret: ["password"],
    // An update that changes something else leaves the password alone.
    body: ({ password, ...body }, state) => (password === state.password ? body : { ...body, password }),
  },
  ElasticsearchSecurityApiKey: {
    server: "Elasticsearch",
    create: "PUT /_security/api_key",
    update: "PUT /_security/api_key/{id}",
    read: "GET /_security/api_key?id={id}",
    delete: "DELETE /_security/api_key",
    deletion: (id) => ({ ids: [id] }),
    // A key that was invalidated by hand is still found: the real one does not look at that either.
    found: "api_keys.0",
    id: "id",
    made: { keyId: "id", apiKey: "api_key", encoded: "encoded" },
    secret: ["apiKey", "encoded"],
    // Elasticsearch adds `allow_restricted_indices`: who leaves it out is offered an update for ever, as with the real one.
    fields: { name: fixed, roleDescriptors: { json: true, keep: keptDescriptors }, metadata: json },
  },
  KibanaActionConnector: {
    ...kibana("actions/connector", "actions/connector/{id}"),
    id: "id",
    made: { connectorId: "id" },
    secret: ["secrets"],
    fields: { name: {}, connectorTypeId: fixed, config: json, secrets: { json: true, unread: true } },
  },
  KibanaAlertingRule: {
    ...kibana("alerting/rule/{id}", "alerting/rule/{id}"),
    fields: {
      ruleId: key,
      name: {},
      consumer: fixed,
      ruleTypeId: fixed,
      enabled: { once: true },
      interval: { at: "schedule.interval" },
      tags: {},
      params: json,
      actions: {
        fields: {
          group: {},
          id: {},
          params: json,
          frequency: { fields: { summary: { initial: false }, notifyWhen: {}, throttle: {} } },
        },
      },
    },
    // `enabled: false` is "not set" to the provider: the rule starts enabled, and the next update disables it.
    body: ({ enabled, ...body }) => ({ ...body, ...(enabled === true && { enabled }), throttle: null }),
    async afterUpdate(call, { enabled }, _state, answer) {
      if (valueAt(answer, "enabled") === enabled) return;
      await call(`POST /s/default/api/alerting/rule/{id}/_${enabled === true ? "enable" : "disable"}`);
    },
  },
  KibanaDataView: {
    ...kibana("data_views/data_view", "data_views/data_view/{id}"),
    update: "POST /s/default/api/data_views/data_view/{id}",
    id: "data_view.id",
    echoes: true,
    mayBeGone: true,
    fields: {
      override: { once: true, unread: true },
      dataView: {
        fields: {
          id: fixed,
          title: {},
          name: {},
          timeFieldName: { at: "timeFieldName" },
          allowNoIndex: { at: "allowNoIndex", initial: false, replaces: true },
        },
      },
    },
  },
  KibanaImportSavedObjects: {
    server: "Kibana",
    create: "POST /api/saved_objects/_import",
    update: "POST /api/saved_objects/_import",
    content: ({ fileContents, overwrite }) => ({
      ...upload(String(fileContents)),
      query: `?overwrite=${overwrite === true}`,
    }),
    fields: { fileContents: {}, overwrite: {} },
    made: { success: "success", successCount: "successCount", errors: "errors" },
    prefix: "",
    review: importProblem,
  },
  KibanaSecurityRole: {
    server: "Kibana",
    ...named("/api/security/role/{id}"),
    create: "PUT /api/security/role/{id}?createOnly=true",
    prefix: "",
    oldClient: true,
    fields: {
      name: key,
      elasticsearch: {
        fields: {
          clusters: { at: "cluster", set: true },
          indices: { set: true, fields: { names: { set: true }, privileges: { set: true } } },
        },
      },
      kibanas: {
        at: "kibana",
        set: true,
        fields: { bases: { at: "base", set: true }, spaces: { set: true } },
      },
    },
  },
};
