/**
 * Stand-in for the plugin of elastic/elasticstack 0.11.17 behind Pulumi's terraform-provider bridge (lab only): the
 * resources that the stack uses, one entry a resource, with the requests that the real one was seen to make.
 */
import { randomUUID } from "node:crypto";
import { call, json, serverOf, type Body, type Server } from "./http";
import { serve, type Made, type Props } from "./serve";

const servers: { elasticsearch?: Server; kibana?: Server } = {};

function elasticsearch(method: string, path: string, body?: unknown): Promise<unknown> {
  if (!servers.elasticsearch) throw new Error("the provider has no elasticsearch block");
  return call(servers.elasticsearch, method, path, body === undefined ? undefined : json(body));
}

function kibana(method: string, path: string, body?: Body): Promise<unknown> {
  if (!servers.kibana) throw new Error("the provider has no kibana block");
  return call(servers.kibana, method, path, body, method === "GET" ? {} : { "kbn-xsrf": "true" });
}

/** One type of resource: how its inputs become requests, and what they give. */
interface Kind {
  readonly replaceOn: readonly string[];
  put(inputs: Props, id: string | undefined, state: Props): Promise<Made>;
  /** Undefined where it is gone. */
  get(id: string, state: Props): Promise<unknown>;
  drop(id: string, state: Props): Promise<unknown>;
}

function parsed(value: unknown): unknown {
  return typeof value === "string" && value !== "" ? JSON.parse(value) : undefined;
}

/** camelCase to snake_case, for blocks that have the server's own names. */
function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined && item !== null)
      .map(([key, item]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), snake(item)]),
  );
}

/** A resource of Elasticsearch that PUT makes and changes under its name. */
function named(path: (name: string) => string, key: string, body: (inputs: Props) => unknown): Kind {
  return {
    replaceOn: [key],
    async put(inputs) {
      const name = String(inputs[key]);
      await elasticsearch("PUT", path(name), body(inputs));
      return { id: name, outputs: {} };
    },
    get: (id) => elasticsearch("GET", path(id)),
    drop: (id) => elasticsearch("DELETE", path(id)),
  };
}

const SPACE = "/s/default/api";

const KINDS: Record<string, Kind> = {
  ElasticsearchIngestPipeline: named(
    (name) => `/_ingest/pipeline/${encodeURIComponent(name)}`,
    "name",
    ({ description, processors, onFailures }) => ({
      ...(description ? { description } : {}),
      processors: (processors as string[]).map(parsed),
      ...(Array.isArray(onFailures) && onFailures.length > 0 ? { on_failure: onFailures.map(parsed) } : {}),
    }),
  ),
  ElasticsearchIndexTemplate: named(
    (name) => `/_index_template/${encodeURIComponent(name)}`,
    "name",
    (inputs) => {
      const template = (inputs.template ?? {}) as Props;
      const lifecycle = template.lifecycle as { dataRetention?: string } | undefined;
      return {
        index_patterns: inputs.indexPatterns,
        ...(inputs.composedOfs ? { composed_of: inputs.composedOfs } : {}),
        ...(inputs.dataStream ? { data_stream: snake(inputs.dataStream) } : {}),
        ...(inputs.priority === undefined ? {} : { priority: inputs.priority }),
        template: {
          mappings: parsed(template.mappings),
          settings: parsed(template.settings),
          ...(lifecycle ? { lifecycle: { data_retention: lifecycle.dataRetention } } : {}),
        },
      };
    },
  ),
  ElasticsearchIndex: {
    replaceOn: ["name", "numberOfShards"],
    async put(inputs, id) {
      const name = String(inputs.name);
      const { defaultPipeline, numberOfReplicas, numberOfShards } = inputs;
      if (id === undefined) {
        const settings = {
          default_pipeline: defaultPipeline,
          number_of_replicas: numberOfReplicas,
          number_of_shards: numberOfShards,
        };
        await elasticsearch("PUT", `/${name}`, { settings, mappings: parsed(inputs.mappings) });
      } else {
        await elasticsearch("PUT", `/${name}/_settings`, {
          default_pipeline: defaultPipeline,
          number_of_replicas: numberOfReplicas,
        });
        await elasticsearch("PUT", `/${name}/_mapping`, parsed(inputs.mappings));
      }
      return { id: name, outputs: {} };
    },
    get: (id) => elasticsearch("GET", `/${id}`),
    drop: (id, state) => {
      if (state.deletionProtection !== false) {
        throw new Error(
          `cannot destroy index ${id} without setting deletion_protection=false and running an update`,
        );
      }
      return elasticsearch("DELETE", `/${id}`);
    },
  },
  ElasticsearchSecurityUser: named(
    (name) => `/_security/user/${encodeURIComponent(name)}`,
    "username",
    ({ password, roles, fullName, email, enabled }) => ({
      password,
      roles,
      full_name: fullName,
      email,
      enabled,
    }),
  ),
  ElasticsearchSecurityApiKey: {
    replaceOn: ["name", "expiration"],
    async put(inputs, id, state) {
      const body = { role_descriptors: parsed(inputs.roleDescriptors), metadata: parsed(inputs.metadata) };
      if (id !== undefined) {
        await elasticsearch("PUT", `/_security/api_key/${String(state.keyId)}`, body);
        return {
          id,
          outputs: { keyId: state.keyId, apiKey: state.apiKey, encoded: state.encoded },
          secret: ["apiKey", "encoded"],
        };
      }
      const made = (await elasticsearch("PUT", "/_security/api_key", {
        name: inputs.name,
        ...body,
      })) as Props;
      const outputs = { keyId: made.id, apiKey: made.api_key, encoded: made.encoded };
      return { id: String(made.id), outputs, secret: ["apiKey", "encoded"] };
    },
    async get(_id, state) {
      const found = (await elasticsearch("GET", `/_security/api_key?id=${String(state.keyId)}`)) as
        { api_keys?: { invalidated: boolean }[] } | undefined;
      return found?.api_keys?.[0]?.invalidated === false ? found : undefined;
    },
    drop: (_id, state) => elasticsearch("DELETE", "/_security/api_key", { ids: [state.keyId] }),
  },
  KibanaSecurityRole: {
    replaceOn: ["name"],
    async put(inputs, id) {
      const { clusters, indices, runAs } = inputs.elasticsearch as Props;
      const body = {
        elasticsearch: {
          cluster: clusters ?? [],
          indices: snake(indices ?? []),
          ...(runAs ? { run_as: runAs } : {}),
        },
        kibana: ((inputs.kibanas ?? []) as Props[]).map(({ bases, spaces }) => ({ base: bases, spaces })),
      };
      await kibana(
        "PUT",
        `/api/security/role/${String(inputs.name)}?createOnly=${id === undefined}`,
        json(body),
      );
      return { id: String(inputs.name), outputs: {} };
    },
    get: (id) => kibana("GET", `/api/security/role/${id}`),
    drop: (id) => kibana("DELETE", `/api/security/role/${id}`),
  },
  KibanaActionConnector: {
    // 0.11.17 ignores a connectorId that is given, and then wants to replace for ever.
    replaceOn: ["connectorTypeId", "connectorId"],
    async put(inputs, _id, state) {
      const { name, config, connectorTypeId } = inputs;
      const known = state.connectorId as string | undefined;
      const made = (
        known
          ? await kibana("PUT", `${SPACE}/actions/connector/${known}`, json({ name, config: parsed(config) }))
          : await kibana(
              "POST",
              `${SPACE}/actions/connector`,
              json({ name, config: parsed(config), connector_type_id: connectorTypeId }),
            )
      ) as Props;
      return { id: `default/${String(made.id)}`, outputs: { connectorId: made.id } };
    },
    get: (_id, state) => kibana("GET", `${SPACE}/actions/connector/${String(state.connectorId)}`),
    drop: (_id, state) => kibana("DELETE", `${SPACE}/actions/connector/${String(state.connectorId)}`),
  },
  KibanaAlertingRule: {
    replaceOn: ["ruleId", "ruleTypeId", "consumer"],
    async put(inputs, id) {
      const common = {
        name: inputs.name,
        tags: inputs.tags ?? [],
        schedule: { interval: inputs.interval },
        throttle: inputs.throttle ?? null,
        params: parsed(inputs.params),
        actions: ((inputs.actions ?? []) as Props[]).map(ruleAction),
      };
      const path = `${SPACE}/alerting/rule/${String(inputs.ruleId)}`;
      if (id === undefined) {
        await kibana(
          "POST",
          path,
          json({
            ...common,
            consumer: inputs.consumer,
            rule_type_id: inputs.ruleTypeId,
            enabled: inputs.enabled ?? true,
          }),
        );
      } else {
        await kibana("PUT", path, json(common));
        await kibana("POST", `${path}/_${inputs.enabled === false ? "disable" : "enable"}`);
      }
      return { id: `default/${String(inputs.ruleId)}`, outputs: {} };
    },
    async get(_id, state) {
      const found = (await kibana("GET", `${SPACE}/alerting/rule/${String(state.ruleId)}`)) as
        Props | undefined;
      return found && { params: JSON.stringify(found.params), enabled: found.enabled };
    },
    drop: (_id, state) => kibana("DELETE", `${SPACE}/alerting/rule/${String(state.ruleId)}`),
  },
  KibanaDataView: {
    replaceOn: [],
    async put(inputs, id) {
      const view = inputs.dataView as Props;
      if (id === undefined) {
        await kibana(
          "POST",
          `${SPACE}/data_views/data_view`,
          json({ data_view: view, override: inputs.override ?? false }),
        );
      } else {
        const { id: viewId, ...rest } = view;
        await kibana("POST", `${SPACE}/data_views/data_view/${String(viewId)}`, json({ data_view: rest }));
      }
      return { id: `default/${String(view.id)}`, outputs: {} };
    },
    get: (id) => kibana("GET", `${SPACE}/data_views/data_view/${id.split("/")[1]}`),
    drop: (id) => kibana("DELETE", `${SPACE}/data_views/data_view/${id.split("/")[1]}`),
  },
  KibanaImportSavedObjects: {
    replaceOn: [],
    async put(inputs, id) {
      const boundary = "----dhis2-siem-import";
      const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="file.ndjson"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n`;
      const body = {
        type: `multipart/form-data; boundary=${boundary}`,
        text: `${head}${String(inputs.fileContents)}\r\n--${boundary}--\r\n`,
      };
      const made = (await kibana(
        "POST",
        `/api/saved_objects/_import?overwrite=${inputs.overwrite === true}`,
        body,
      )) as Props;
      const { success, successCount, errors = [], successResults = [] } = made;
      return {
        id: id ?? randomUUID(),
        outputs: {
          success,
          successCount,
          errors,
          successResults: (successResults as Props[]).map(({ id: oid, type }) => ({ id: oid, type })),
        },
      };
    },
    // The real one never reads back and never deletes.
    get: async () => ({}),
    drop: async () => ({}),
  },
};

function ruleAction(action: Props): Props {
  const { notifyWhen, summary, throttle } = (action.frequency ?? {}) as Props;
  return {
    id: action.id,
    group: action.group ?? "default",
    params: parsed(action.params),
    ...(action.frequency
      ? { frequency: { notify_when: notifyWhen, summary, ...(throttle ? { throttle } : {}) } }
      : {}),
  };
}

function kind(token: string): Kind {
  const found = KINDS[token.split(":").at(-1) ?? ""];
  if (!found) throw new Error(`the lab's stand-in for elasticstack has no ${token}`);
  return found;
}

serve(
  {
    configure(config) {
      servers.elasticsearch = serverOf(config.elasticsearch);
      servers.kibana = serverOf(config.kibana);
    },
    replaceOn: (token) => kind(token).replaceOn,
    create: (token, inputs) => kind(token).put(inputs, undefined, {}),
    update: (token, id, inputs, state) => kind(token).put(inputs, id, state),
    async read(token, id, state) {
      const found = await kind(token).get(id, state);
      if (found === undefined) return undefined;
      // Only a rule's params come back in a form that the real provider compares.
      return token.endsWith(":KibanaAlertingRule") ? (found as Props) : {};
    },
    async delete(token, id, state) {
      await kind(token).drop(id, state);
    },
  },
  "1.1.3",
);
