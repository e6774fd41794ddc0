/**
 * The types of resources that the stack makes, as a table: their requests, their properties, and where one of them is
 * not like the others. Requests and bodies as recorded from elasticstack 0.11.17, habits as seen in it.
 */
import { FormData } from "undici";
import { type Field, type Fields, valueAt } from "./fields";
import type { Props } from "./marks";

export interface Kind {
  readonly server: "Elasticsearch" | "Kibana";
  readonly fields: Fields;
  /** Requests, "{id}" for the resource's name or id. Without `read` nothing is ever seen, without `delete` it stays. */
  readonly create: string;
  readonly update?: string;
  readonly read?: string;
  readonly delete?: string;
  /** On each of them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The resource in the answer to `read`, where it is not at its usual place. */
  readonly found?: (answer: Props) => unknown;
  /** Outputs, with their names in the answer to `create`, or to each write where nothing is read. */
  readonly made?: Readonly<Record<string, string>>;
  readonly secret?: readonly string[];
  /** Where the server makes the id: its place in the answer to `create`. */
  readonly id?: string;
  /** The answers to its writes say what is there, and are taken for it. */
  readonly echoes?: true;
  /** What its writes carry, from what its fields say, and said before an update. */
  body?(fields: Props, old?: Props): unknown;
  /** More requests of an update, each sent where what is wanted is not what was; where that is an object, it is the body. */
  more?(fields: Props, old: Props, answer: unknown): [line: string, wanted: unknown, was: unknown][];
  /** Looks at the answer to a write: gives a warning, or throws. */
  review?(answer: Props): string | undefined;
}

/** What a PUT under its name changes, and makes where `create` says nothing else. */
function named(server: Kind["server"], item: string, create = `PUT ${item}`) {
  return { server, create, update: `PUT ${item}`, read: `GET ${item}`, delete: `DELETE ${item}` };
}

/** In Kibana's default space. */
const CONNECTORS = "/s/default/api/actions/connector";
const RULE = "/s/default/api/alerting/rule/{id}";
const VIEWS = "/s/default/api/data_views/data_view";

const replaces = () => true;
const key: Field = { key: true, at: "", replaces };
const json: Field = { json: true };
const fixed: Field = { once: true, replaces };
const unread: Field = { unread: true };
const set: Field = { set: true };
const setAt = (at: string): Field => ({ at, ...set });
const block = (fields: Fields): Field => ({ fields });
const blocks = (fields: Fields): Field => ({ fields, set: true });

/** An index's mappings, or a field of them. */
interface Mapping {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Mapping>>;
}

/** With the fields that are gone from it: they stay in the index, and the provider lets them. */
function withOldFields<Wanted extends Mapping | undefined>(was: Mapping | undefined, wanted: Wanted): Wanted {
  if (!was?.properties || !wanted) return wanted;
  const fields = Object.entries(wanted.properties ?? {});
  const merged = fields.map(([name, field]) => [name, withOldFields(was.properties?.[name], field)] as const);
  return { ...wanted, properties: { ...was.properties, ...Object.fromEntries(merged) } };
}

/** Whether a field has another type than it had: that takes another index. */
function retyped(was?: Mapping, wanted?: Mapping): boolean {
  if (!was || !wanted) return false;
  if ((was.type ?? "object") !== (wanted.type ?? "object")) return true;
  const fields = Object.entries(was.properties ?? {});
  return fields.some(([name, field]) => retyped(field, wanted.properties?.[name]));
}

/** A key as the provider keeps it: without what Elasticsearch adds to its role descriptors. */
function foundKey(answer: Props): Props | undefined {
  const found = valueAt(answer, "api_keys.0") as { role_descriptors: Record<string, Props> } | undefined;
  const roles = Object.entries(found?.role_descriptors ?? {});
  const kept = roles.map(([name, { cluster, indices }]) => [name, { cluster, indices }] as const);
  return found && { ...found, role_descriptors: Object.fromEntries(kept) };
}

/** An import may fail in part: a warning; or all of it. */
function importProblem({ success, successCount, errors = [] }: Props): string | undefined {
  if (success === true) return undefined;
  const failed = errors as { readonly id: string; readonly type: string; readonly error: object }[];
  const details = failed.map(({ id, type, error }) => `${type} ${id}: ${JSON.stringify(error)}`).join("; ");
  if (!successCount) throw new Error(`no objects imported successfully: ${details}`);
  return `not all objects were imported successfully: ${details}`;
}

/** By their names in the program. */
export const KINDS: Readonly<Record<string, Kind>> = {
  ElasticsearchIngestPipeline: {
    ...named("Elasticsearch", "/_ingest/pipeline/{id}"),
    fields: {
      ...{ name: key, description: {}, processors: { ...json, filled: true } },
      onFailures: { at: "on_failure", ...json, filled: true },
    },
  },
  ElasticsearchIndexTemplate: {
    ...named("Elasticsearch", "/_index_template/{id}"),
    found: (answer) => valueAt(answer, "index_templates.0.index_template"),
    fields: {
      ...{ name: key, indexPatterns: set, priority: {}, dataStream: block({ hidden: { initial: false } }) },
      template: block({ mappings: json, settings: json, lifecycle: block({ dataRetention: {} }) }),
    },
    body: (fields) => ({ composed_of: [], ...fields }),
  },
  ElasticsearchIndex: {
    ...named("Elasticsearch", "/{id}"),
    create: "PUT /{id}?master_timeout=30000ms&timeout=30000ms&wait_for_active_shards=1",
    update: undefined,
    read: "GET /{id}?flat_settings=true",
    fields: {
      name: key,
      mappings: { json: true, merge: withOldFields, replaces: retyped },
      // Of the settings the real one reads back nothing that it compares.
      ...{ numberOfShards: { unread: true, ...fixed }, numberOfReplicas: unread, defaultPipeline: unread },
      deletionProtection: { at: "", initial: true },
    },
    body: ({ mappings, ...settings }) => ({ mappings, settings }),
    more: ({ mappings, ...settings }, { mappings: was, ...old }) => [
      ["PUT /{id}/_settings", settings, old],
      ["PUT /{id}/_mapping", withOldFields(was as Mapping, mappings as Mapping), was],
    ],
  },
  ElasticsearchSecurityUser: {
    ...named("Elasticsearch", "/_security/user/{id}"),
    fields: {
      username: key,
      password: unread,
      roles: { ...set, filled: true },
      fullName: {},
      email: {},
      enabled: {},
    },
    secret: ["password"],
    // An update that changes something else leaves the password alone.
    body: ({ password, ...rest }, old) => (password === old?.password ? rest : { ...rest, password }),
  },
  ElasticsearchSecurityApiKey: {
    ...named("Elasticsearch", "/_security/api_key/{id}", "PUT /_security/api_key"),
    read: "GET /_security/api_key?id={id}",
    delete: "DELETE /_security/api_key",
    // A key that was invalidated by hand is still found: the real one does not look at that either.
    found: foundKey,
    id: "id",
    made: { keyId: "id", apiKey: "api_key", encoded: "encoded" },
    secret: ["apiKey", "encoded"],
    // Elasticsearch adds `allow_restricted_indices`: who leaves it out is offered an update for ever, as with the real one.
    fields: { name: fixed, roleDescriptors: json, metadata: json },
  },
  KibanaActionConnector: {
    ...named("Kibana", `${CONNECTORS}/{id}`, `POST ${CONNECTORS}`),
    id: "id",
    made: { connectorId: "id" },
    secret: ["secrets"],
    fields: { name: {}, connectorTypeId: fixed, config: json, secrets: { json: true, unread: true } },
  },
  KibanaAlertingRule: {
    ...named("Kibana", RULE, `POST ${RULE}`),
    found: (answer) => ({ ...answer, interval: valueAt(answer, "schedule.interval") }),
    fields: {
      ...{ ruleId: key, name: {}, consumer: fixed, ruleTypeId: fixed, enabled: {} },
      ...{ interval: {}, tags: {}, params: json },
      actions: block({
        ...{ group: {}, id: {}, params: json },
        frequency: block({ summary: { initial: false }, notifyWhen: {}, throttle: {} }),
      }),
    },
    // `enabled: false` is "not set" to the provider: the rule starts enabled, and the next update disables it.
    body: ({ enabled, interval, ...rest }, old) => ({
      ...{ ...rest, schedule: { interval }, throttle: null },
      ...(enabled === true && !old && { enabled }),
    }),
    more: ({ enabled = false }, _old, answer) => [
      [`POST ${RULE}/${enabled ? "_enable" : "_disable"}`, enabled, valueAt(answer, "enabled")],
    ],
  },
  KibanaDataView: {
    ...named("Kibana", `${VIEWS}/{id}`, `POST ${VIEWS}`),
    update: `POST ${VIEWS}/{id}`,
    id: "data_view.id",
    echoes: true,
    fields: {
      override: { once: true, unread: true },
      dataView: block({
        ...{ id: fixed, title: {}, name: {}, timeFieldName: { at: "timeFieldName" } },
        allowNoIndex: { at: "allowNoIndex", initial: false, replaces },
      }),
    },
  },
  KibanaImportSavedObjects: {
    server: "Kibana",
    create: "POST /api/saved_objects/_import?overwrite={overwrite}",
    update: "POST /api/saved_objects/_import?overwrite={overwrite}",
    fields: { fileContents: {}, overwrite: {} },
    body({ file_contents: text }) {
      const form = new FormData();
      form.set("file", new Blob([String(text)], { type: "text/plain; charset=utf-8" }), "file.ndjson");
      return form;
    },
    made: { success: "success", errors: "errors" },
    review: importProblem,
  },
  KibanaSecurityRole: {
    ...named("Kibana", "/api/security/role/{id}"),
    create: "PUT /api/security/role/{id}?createOnly=true",
    // An older client of the provider's.
    headers: { "content-type": "application/json", "kbn-xsrf": "true" },
    fields: {
      name: key,
      elasticsearch: block({ clusters: setAt("cluster"), indices: blocks({ names: set, privileges: set }) }),
      kibanas: { at: "kibana", ...blocks({ bases: setAt("base"), spaces: set }) },
    },
  },
};
