/** The resources of Elasticsearch: how inputs become requests, and what is read back. Bodies as in elasticstack 0.11.17. */
import type { Api } from "./http";
import {
  indexPrivileges,
  indexPrivilegesRead,
  type Kind,
  nameOf,
  nonZero,
  objects,
  parsed,
  text,
} from "./kind";
import { isObject, type Props, stable } from "./marks";

interface Named {
  readonly key: "name" | "username";
  readonly path: (name: string) => string;
  readonly body: (inputs: Props, state: Props) => Props;
  /** From the answer to GET. */
  readonly found: (answer: Props, name: string) => Props | undefined;
  readonly inputs: readonly string[];
  readonly required?: readonly string[];
  readonly defaults?: Props;
  readonly computed?: readonly string[];
  readonly secret?: readonly string[];
}

/** A resource that one PUT makes and changes under its name. */
function named(kind: Named): Kind {
  const put = (api: Api, inputs: Props, state: Props) =>
    api.elasticsearch({
      method: "PUT",
      path: kind.path(String(inputs[kind.key])),
      body: kind.body(inputs, state),
    });
  return {
    ...kind,
    inputs: [kind.key, ...kind.inputs],
    required: [kind.key, ...(kind.required ?? [])],
    replaceOn: [kind.key],
    async create(api, inputs) {
      const cluster = await api.cluster();
      await put(api, inputs, {});
      return { id: `${cluster}/${String(inputs[kind.key])}` };
    },
    async update(api, _id, inputs, state) {
      await put(api, inputs, state);
      return {};
    },
    delete: (api, id) => api.elasticsearch({ method: "DELETE", path: kind.path(nameOf(id)) }),
    async read(api, id) {
      const name = nameOf(id);
      const answer = await api.elasticsearch({ method: "GET", path: kind.path(name), allow: [404] });
      if (!isObject(answer)) return undefined;
      const properties = kind.found(answer, name);
      if (!properties)
        throw new Error(`Unable to find "${name}" in the cluster's answer to ${kind.path(name)}`);
      return { [kind.key]: name, ...properties };
    },
  };
}

function at(folder: string): (name: string) => string {
  return (name) => `/${folder}/${encodeURIComponent(name)}`;
}

function templateBody(template: unknown): Props {
  if (!isObject(template)) return {};
  const { dataRetention } = isObject(template.lifecycle) ? template.lifecycle : {};
  const lifecycle = nonZero({ data_retention: dataRetention });
  const { mappings, settings } = template;
  return { template: nonZero({ mappings: parsed(mappings), settings: parsed(settings), lifecycle }) };
}

function templateRead(template: unknown): Props {
  if (!isObject(template)) return {};
  const { mappings, settings, lifecycle } = template;
  const retention = isObject(lifecycle) ? { lifecycle: { dataRetention: lifecycle.data_retention } } : {};
  return { template: { ...nonZero({ mappings: text(mappings), settings: text(settings) }), ...retention } };
}

function dataStreamBody(stream: unknown): Props {
  if (!isObject(stream)) return {};
  return {
    data_stream: {
      hidden: stream.hidden ?? false,
      ...nonZero({ allow_custom_routing: stream.allowCustomRouting }),
    },
  };
}

function dataStreamRead(stream: unknown): Props {
  return isObject(stream)
    ? { dataStream: { hidden: stream.hidden, allowCustomRouting: stream.allow_custom_routing } }
    : {};
}

/** What the provider's own type of a role descriptor keeps of one: it neither sends nor reads back anything else. */
function keptDescriptors(descriptors: unknown): Props | undefined {
  if (!isObject(descriptors)) return undefined;
  const kept = [
    "applications",
    "global",
    "cluster",
    "indices",
    "remote_indices",
    "metadata",
    "run_as",
    "restriction",
  ];
  const keptOfIndex = [
    "field_security",
    "names",
    "clusters",
    "privileges",
    "query",
    "allow_restricted_indices",
  ];
  const pick = (value: Props, keys: readonly string[]) =>
    Object.fromEntries(Object.entries(value).filter(([key, item]) => keys.includes(key) && item !== null));
  return Object.fromEntries(
    Object.entries(descriptors).map(([name, descriptor]) => {
      const picked = nonZero(pick(isObject(descriptor) ? descriptor : {}, kept));
      for (const key of ["indices", "remote_indices"]) {
        if (picked[key]) picked[key] = objects(picked[key]).map((entry) => pick(entry, keptOfIndex));
      }
      return [name, picked];
    }),
  );
}

function apiKeyBody(inputs: Props): Props {
  const { roleDescriptors, metadata } = inputs;
  return nonZero({ role_descriptors: keptDescriptors(parsed(roleDescriptors)), metadata: parsed(metadata) });
}

const apiKey: Kind = {
  inputs: ["name", "roleDescriptors", "metadata", "expiration"],
  required: ["name"],
  replaceOn: ["name", "expiration"],
  computed: ["keyId", "apiKey", "encoded", "expirationTimestamp", "roleDescriptors", "metadata"],
  secret: ["apiKey", "encoded"],
  async create(api, inputs) {
    const body = { ...nonZero({ name: inputs.name, expiration: inputs.expiration }), ...apiKeyBody(inputs) };
    const made = (await api.elasticsearch({ method: "PUT", path: "/_security/api_key", body })) as Props;
    const outputs = { keyId: made.id, apiKey: made.api_key, encoded: made.encoded };
    return { id: `${await api.cluster()}/${String(made.id)}`, outputs };
  },
  async update(api, id, inputs) {
    const path = `/_security/api_key/${encodeURIComponent(nameOf(id))}`;
    await api.elasticsearch({ method: "PUT", path, body: apiKeyBody(inputs) });
    return {};
  },
  delete: (api, id) =>
    api.elasticsearch({ method: "DELETE", path: "/_security/api_key", body: { ids: [nameOf(id)] } }),
  // A key that was invalidated by hand is still found: the real one does not look at that either.
  async read(api, id) {
    const path = `/_security/api_key?id=${encodeURIComponent(nameOf(id))}`;
    const answer = await api.elasticsearch({ method: "GET", path, allow: [404] });
    if (!isObject(answer)) return undefined;
    const [key] = objects(answer.api_keys);
    if (!key) throw new Error(`Unable to find "${nameOf(id)}" apikey in the cluster`);
    return {
      keyId: key.id,
      name: key.name,
      expirationTimestamp: key.expiration ?? 0,
      metadata: text(key.metadata),
      // The server adds `allow_restricted_indices`: who leaves it out is offered an update for ever, as with the real one.
      roleDescriptors: text(keptDescriptors(key.role_descriptors)),
    };
  },
};

const STATIC_SETTINGS = ["number_of_shards", "number_of_routing_shards", "codec", "mapping.coerce"];
const DYNAMIC_SETTINGS = [
  ...["number_of_replicas", "auto_expand_replicas", "refresh_interval", "max_result_window"],
  ...["blocks.read_only", "blocks.write", "default_pipeline", "final_pipeline"],
];

function camel(setting: string): string {
  return setting.replace(/[._]([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function settingsOf(inputs: Props, names: readonly string[]): Props {
  const given = names.map((name) => [name, inputs[camel(name)]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== null));
}

/** What the provider wants of the fields in `state`: it keeps those that are gone from `wanted`; another type needs another index. */
function planFields(state: Props, wanted: Props): { fields: Props; replaces: boolean } {
  const fields = { ...wanted };
  for (const [name, old] of Object.entries(state)) {
    const field = fields[name];
    if (!isObject(old)) continue;
    if (!isObject(field)) fields[name] = old;
    else if (old.type !== undefined) {
      if (old.type !== field.type) return { fields, replaces: true };
    } else if (isObject(old.properties)) {
      const inner = planFields(old.properties, isObject(field.properties) ? field.properties : {});
      fields[name] = { ...field, properties: inner.fields };
      if (inner.replaces) return { fields, replaces: true };
    }
  }
  return { fields, replaces: false };
}

function planMappings(state: Props, inputs: Props): { inputs: Props; replaces: readonly string[] } {
  const [old, wanted] = [parsed(state.mappings), parsed(inputs.mappings)];
  if (!isObject(old) || !isObject(wanted) || !isObject(old.properties)) return { inputs, replaces: [] };
  if (!isObject(wanted.properties)) return { inputs, replaces: ["mappings"] };
  const { fields, replaces } = planFields(old.properties, wanted.properties);
  const mappings = stable({ ...wanted, properties: fields });
  return { inputs: { ...inputs, mappings }, replaces: replaces ? ["mappings"] : [] };
}

const index: Kind = {
  inputs: ["name", "mappings", "deletionProtection", ...[...STATIC_SETTINGS, ...DYNAMIC_SETTINGS].map(camel)],
  required: ["name"],
  defaults: { deletionProtection: true },
  replaceOn: ["name", ...STATIC_SETTINGS.map(camel)],
  computed: ["mappings", "settingsRaw"],
  fresh: ["settingsRaw"],
  async create(api, inputs) {
    const cluster = await api.cluster();
    const settings = settingsOf(inputs, [...STATIC_SETTINGS, ...DYNAMIC_SETTINGS]);
    const path = `/${encodeURIComponent(String(inputs.name))}?master_timeout=30000ms&timeout=30000ms&wait_for_active_shards=1`;
    await api.elasticsearch({
      method: "PUT",
      path,
      body: nonZero({ mappings: parsed(inputs.mappings), settings }),
    });
    return { id: `${cluster}/${String(inputs.name)}` };
  },
  async update(api, id, inputs, state) {
    const path = `/${encodeURIComponent(nameOf(id))}`;
    const [wanted, old] = [settingsOf(inputs, DYNAMIC_SETTINGS), settingsOf(state, DYNAMIC_SETTINGS)];
    if (stable(wanted) !== stable(old)) {
      const removed = Object.keys(old).filter((name) => !(name in wanted));
      const body = { ...wanted, ...Object.fromEntries(removed.map((name) => [name, null])) };
      await api.elasticsearch({ method: "PUT", path: `${path}/_settings`, body });
    }
    const mappings = parsed(planMappings(state, inputs).inputs.mappings);
    if (mappings !== undefined && stable(mappings) !== stable(parsed(state.mappings))) {
      await api.elasticsearch({ method: "PUT", path: `${path}/_mapping`, body: mappings });
    }
    return {};
  },
  delete(api, id, state) {
    if (state.deletionProtection !== false) {
      throw new Error(
        "cannot destroy index without setting deletion_protection=false and running `terraform apply`",
      );
    }
    return api.elasticsearch({ method: "DELETE", path: `/${encodeURIComponent(nameOf(id))}` });
  },
  async read(api, id) {
    const name = nameOf(id);
    const path = `/${encodeURIComponent(name)}?flat_settings=true`;
    const answer = await api.elasticsearch({ method: "GET", path, allow: [404] });
    if (!isObject(answer) || !isObject(answer[name])) return undefined;
    const { mappings, settings } = answer[name];
    // Of the settings the real one reads back nothing but this text.
    return { name, mappings: text(mappings), settingsRaw: text(settings) };
  },
  plan: planMappings,
};

export const ELASTICSEARCH_KINDS: Readonly<Record<string, Kind>> = {
  ElasticsearchIngestPipeline: named({
    key: "name",
    path: at("_ingest/pipeline"),
    inputs: ["description", "processors", "onFailures", "metadata"],
    required: ["processors"],
    body: ({ description, onFailures, processors, metadata }) => ({
      ...nonZero({
        description,
        on_failure: (onFailures as string[] | undefined)?.map(parsed),
        _meta: parsed(metadata),
      }),
      processors: (processors as string[]).map(parsed),
    }),
    found(answer, name) {
      const pipeline = isObject(answer[name]) ? answer[name] : {};
      const { description, on_failure: onFailure, processors, _meta: meta } = pipeline;
      return {
        ...nonZero({ description, onFailures: objects(onFailure).map(text), metadata: text(meta) }),
        processors: objects(processors).map(text),
      };
    },
  }),
  ElasticsearchComponentTemplate: named({
    key: "name",
    path: at("_component_template"),
    inputs: ["template", "template.mappings", "template.settings", "metadata", "version"],
    required: ["template"],
    body: ({ template, metadata, version }) => ({
      ...nonZero({ _meta: parsed(metadata), version }),
      ...templateBody(template),
    }),
    found(answer) {
      const component = objects(answer.component_templates)[0]?.component_template;
      if (!isObject(component)) return undefined;
      const { _meta: meta, template, version } = component;
      return { ...nonZero({ metadata: text(meta), version }), ...templateRead(template) };
    },
  }),
  ElasticsearchIndexTemplate: named({
    key: "name",
    path: at("_index_template"),
    inputs: [
      ...["indexPatterns", "composedOfs", "priority", "metadata", "version", "template", "template.mappings"],
      ...[
        "template.settings",
        "template.lifecycle",
        "dataStream",
        "dataStream.hidden",
        "dataStream.allowCustomRouting",
      ],
    ],
    required: ["indexPatterns"],
    body: ({ composedOfs, dataStream, indexPatterns, metadata, priority, template, version }) => ({
      composed_of: composedOfs ?? [],
      index_patterns: indexPatterns,
      ...dataStreamBody(dataStream),
      ...nonZero({ _meta: parsed(metadata), priority, version }),
      ...templateBody(template),
    }),
    found(answer) {
      const found = objects(answer.index_templates)[0]?.index_template;
      if (!isObject(found)) return undefined;
      const { _meta: meta, priority, version } = found;
      return {
        composedOfs: found.composed_of,
        indexPatterns: found.index_patterns,
        ...nonZero({ metadata: text(meta), priority, version }),
        ...dataStreamRead(found.data_stream),
        ...templateRead(found.template),
      };
    },
  }),
  ElasticsearchIndex: index,
  ElasticsearchSecurityRole: named({
    key: "name",
    path: at("_security/role"),
    inputs: ["description", "clusters", "indices", "runAs", "metadata"],
    computed: ["metadata"],
    body: ({ description, clusters, indices, runAs, metadata }) => {
      const privileges = objects(indices).map((entry) => ({
        ...indexPrivileges(entry),
        allow_restricted_indices: entry.allowRestrictedIndices ?? false,
      }));
      return nonZero({
        description,
        cluster: clusters,
        indices: privileges,
        metadata: parsed(metadata),
        run_as: runAs,
      });
    },
    found(answer, name) {
      const role = answer[name];
      if (!isObject(role)) return undefined;
      const indices = objects(role.indices).map(indexPrivilegesRead);
      const { description, cluster, metadata, run_as: runAs } = role;
      return { ...nonZero({ description, runAs }), clusters: cluster, indices, metadata: text(metadata) };
    },
  }),
  ElasticsearchSecurityUser: named({
    key: "username",
    path: at("_security/user"),
    inputs: ["password", "passwordHash", "roles", "fullName", "email", "enabled", "metadata"],
    required: ["roles"],
    defaults: { email: "", fullName: "", enabled: true },
    computed: ["metadata"],
    secret: ["password", "passwordHash"],
    body: ({ email, enabled, fullName, metadata, password, passwordHash, roles }, state) => ({
      ...nonZero({ full_name: fullName, email, metadata: parsed(metadata) }),
      // An update that changes something else leaves the password alone.
      ...(password === state.password ? {} : nonZero({ password })),
      ...(passwordHash === state.passwordHash ? {} : nonZero({ password_hash: passwordHash })),
      roles,
      enabled,
    }),
    found(answer, name) {
      const user = answer[name];
      if (!isObject(user)) return undefined;
      const { email, full_name: fullName, roles, metadata, enabled } = user;
      return { email: email ?? "", fullName: fullName ?? "", roles, metadata: text(metadata), enabled };
    },
  }),
  ElasticsearchSecurityApiKey: apiKey,
};
