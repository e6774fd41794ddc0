/**
 * The resource types that the stack uses, as a table: their requests, their properties, and where one differs from the others.
 * Requests and bodies were recorded from elasticstack 0.11.17; its behaviour was observed.
 */
import { FormData } from "undici";
import { type Field, type Fields, valueAt } from "./fields";
import type { Props } from "./marks";

export interface Kind {
  readonly server: "Elasticsearch" | "Kibana";
  readonly fields: Fields;
  /** Requests; "{id}" stands for the resource's name or id. Without `read`, a refresh finds nothing; without `delete`, the resource stays. */
  readonly create: string;
  readonly update?: string;
  readonly read?: string;
  readonly delete?: string;
  /** Headers of each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Returns the resource in the reply to `read`. Default: the whole reply (Kibana), or the part under its name. */
  readonly found?: (answer: Props) => unknown;
  /** Computed outputs and their names in the reply to `create`, or in the reply to each write if the type has no `read`. */
  readonly made?: Readonly<Record<string, string>>;
  readonly secret?: readonly string[];
  /** The path of the id in the reply to `create`, if the server makes the id. */
  readonly id?: string;
  /** Whether the replies to its writes contain the new state. Default: no. */
  readonly echoes?: true;
  /** Returns the body of its writes, from its fields and (for an update) its old fields. Default: the fields. */
  body?(fields: Props, old?: Props): unknown;
  /** Returns further requests of an update. Each is sent if the wanted value differs from the old one; an object is sent as the body. */
  more?(fields: Props, old: Props, answer: unknown): [line: string, wanted: unknown, was: unknown][];
  /** Checks the reply to a write: returns a warning, or throws an Error. */
  review?(answer: Props): string | undefined;
}

/** Returns the requests of a type that a PUT with the resource's name updates, and creates unless `create` names another request. */
function named(server: Kind["server"], item: string, create = `PUT ${item}`) {
  return { server, create, update: `PUT ${item}`, read: `GET ${item}`, delete: `DELETE ${item}` };
}

// Paths in Kibana's default space.
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
const features: Field = { at: "feature", dictionary: "privileges", fields: { name: {}, privileges: set } };
const blocks = (fields: Fields): Field => ({ fields, set: true });

/** An index's mappings, or one field of them. */
interface Mapping {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Mapping>>;
}

/** Returns the wanted mappings with the fields that they no longer have: these stay in the index, and the provider accepts that. */
function withOldFields<Wanted extends Mapping | undefined>(was: Mapping | undefined, wanted: Wanted): Wanted {
  if (!was?.properties || !wanted) return wanted;
  const fields = Object.entries(wanted.properties ?? {});
  const merged = fields.map(([name, field]) => [name, withOldFields(was.properties?.[name], field)] as const);
  return { ...wanted, properties: { ...was.properties, ...Object.fromEntries(merged) } };
}

/** Returns whether a field's type changed, because this needs a new index. */
function retyped(was?: Mapping, wanted?: Mapping): boolean {
  if (!was || !wanted) return false;
  if ((was.type ?? "object") !== (wanted.type ?? "object")) return true;
  const fields = Object.entries(was.properties ?? {});
  return fields.some(([name, field]) => retyped(field, wanted.properties?.[name]));
}

/** Returns an API key as the provider stores it: without what Elasticsearch adds to its role descriptors. */
function foundKey(answer: Props): Props | undefined {
  const found = valueAt(answer, "api_keys.0") as { role_descriptors: Record<string, Props> } | undefined;
  const roles = Object.entries(found?.role_descriptors ?? {});
  const kept = roles.map(([name, { cluster, indices, applications = [] }]) => {
    const granted = (applications as unknown[]).length > 0 && { applications };
    return [name, { cluster, indices, ...granted }] as const;
  });
  return found && { ...found, role_descriptors: Object.fromEntries(kept) };
}

/** Returns a warning if a part of an import failed. Throws an Error if nothing was imported. */
function importProblem({ success, successCount, errors = [] }: Props): string | undefined {
  if (success === true) return undefined;
  const failed = errors as { readonly id: string; readonly type: string; readonly error: object }[];
  const details = failed.map(({ id, type, error }) => `${type} ${id}: ${JSON.stringify(error)}`).join("; ");
  if (!successCount) throw new Error(`no objects imported successfully: ${details}`);
  return `not all objects were imported successfully: ${details}`;
}

/** The resource types by their names in the program. */
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
      // The real provider compares no setting with what it reads.
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
    // An update of another property does not send the password.
    body: ({ password, ...rest }, old) => (password === old?.password ? rest : { ...rest, password }),
  },
  ElasticsearchSecurityApiKey: {
    ...named("Elasticsearch", "/_security/api_key/{id}", "PUT /_security/api_key"),
    read: "GET /_security/api_key?id={id}",
    delete: "DELETE /_security/api_key",
    // Like the real provider, it still finds a key that was invalidated by hand.
    found: foundKey,
    id: "id",
    made: { keyId: "id", apiKey: "api_key", encoded: "encoded", expirationTimestamp: "expiration" },
    secret: ["apiKey", "encoded"],
    // Elasticsearch adds `allow_restricted_indices`: like with the real provider, a program without it gets an update each time.
    fields: { name: fixed, expiration: { unread: true, ...fixed }, roleDescriptors: json, metadata: json },
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
    // The provider takes `enabled: false` as "not set": the rule starts enabled, and the next update disables it.
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
    // The provider uses an older client for this.
    headers: { "content-type": "application/json", "kbn-xsrf": "true" },
    fields: {
      name: key,
      elasticsearch: block({ clusters: setAt("cluster"), indices: blocks({ names: set, privileges: set }) }),
      kibanas: { at: "kibana", ...blocks({ bases: setAt("base"), features, spaces: set }) },
    },
  },
};
