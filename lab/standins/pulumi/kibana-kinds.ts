/** The resources of Kibana: how inputs become requests, and what is read back. Requests as recorded from elasticstack 0.11.17. */
import { randomBytes, randomUUID } from "node:crypto";
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
import { isObject, type Props } from "./marks";

const XSRF = { "kbn-xsrf": "true" };
/** Roles go through an older client, which puts these on every request. */
const OLD_CLIENT = { ...XSRF, "content-type": "application/json" };

function inSpace(space: unknown, path: string): string {
  return `/s/${encodeURIComponent(String(space))}/api/${path}`;
}

/** The space and the rest of an id "space/id". */
function split(id: string): { space: string; name: string } {
  return { space: id.slice(0, id.indexOf("/")), name: encodeURIComponent(nameOf(id)) };
}

function connectorBody(inputs: Props): Props {
  const config = parsed(inputs.config);
  const index = inputs.connectorTypeId === ".index" && isObject(config);
  // The provider's own type of an index connector has this, even where it is empty.
  const full = index ? { executionTimeField: null, ...config } : config;
  return { name: inputs.name, ...nonZero({ config: full, secrets: parsed(inputs.secrets) }) };
}

const connector: Kind = {
  inputs: ["name", "connectorTypeId", "connectorId", "spaceId", "config", "secrets"],
  required: ["name", "connectorTypeId"],
  defaults: { spaceId: "default" },
  // A `connectorId` is not sent: who gives one is offered a replacement for ever, as with the real one.
  replaceOn: ["connectorTypeId", "connectorId", "spaceId"],
  computed: ["connectorId", "config", "isDeprecated", "isMissingSecrets", "isPreconfigured"],
  secret: ["secrets"],
  async create(api, inputs) {
    const body = { ...connectorBody(inputs), connector_type_id: inputs.connectorTypeId };
    const path = inSpace(inputs.spaceId, "actions/connector");
    const made = (await api.kibana({ method: "POST", path, body, headers: XSRF })) as Props;
    return { id: `${String(inputs.spaceId)}/${String(made.id)}` };
  },
  async update(api, id, inputs) {
    const { space, name } = split(id);
    const path = inSpace(space, `actions/connector/${name}`);
    await api.kibana({ method: "PUT", path, body: connectorBody(inputs), headers: XSRF });
    return {};
  },
  delete(api, id) {
    const { space, name } = split(id);
    return api.kibana({ method: "DELETE", path: inSpace(space, `actions/connector/${name}`), headers: XSRF });
  },
  async read(api, id) {
    const { space, name } = split(id);
    const path = inSpace(space, `actions/connector/${name}`);
    const found = await api.kibana({ method: "GET", path, allow: [404] });
    if (!isObject(found)) return undefined;
    return {
      connectorId: found.id,
      spaceId: space,
      name: found.name,
      connectorTypeId: found.connector_type_id,
      config: text(found.config),
      isDeprecated: found.is_deprecated ?? false,
      isMissingSecrets: found.is_missing_secrets ?? false,
      isPreconfigured: found.is_preconfigured ?? false,
    };
  },
  // The config is compared with its default filled in.
  plan(_state, inputs) {
    const config = parsed(inputs.config);
    if (inputs.connectorTypeId !== ".index" || !isObject(config)) return { inputs, replaces: [] };
    return {
      inputs: { ...inputs, config: text({ executionTimeField: null, refresh: false, ...config }) },
      replaces: [],
    };
  },
};

function ruleBody(inputs: Props): Props {
  const actions = objects(inputs.actions).map((action) => {
    const { notifyWhen, summary, throttle } = isObject(action.frequency) ? action.frequency : {};
    const frequency = { notify_when: notifyWhen, summary: summary ?? false, ...nonZero({ throttle }) };
    return {
      group: action.group ?? "default",
      id: action.id,
      params: parsed(action.params),
      ...(action.frequency ? { frequency } : {}),
    };
  });
  const { name, interval, notifyWhen, tags, throttle } = inputs;
  return {
    actions,
    name,
    params: parsed(inputs.params),
    schedule: { interval },
    throttle: throttle ?? null,
    ...nonZero({ notify_when: notifyWhen, tags }),
    ...(inputs.alertDelay ? { alert_delay: { active: inputs.alertDelay } } : {}),
  };
}

function ruleRead(rule: Props): Props {
  const actions = objects(rule.actions).map(({ group, id, params, frequency }) => {
    const { notify_when: notifyWhen, summary, throttle } = isObject(frequency) ? frequency : {};
    return {
      group,
      id,
      params: text(params),
      ...(frequency ? { frequency: nonZero({ notifyWhen, summary, throttle }) } : {}),
    };
  });
  const status = isObject(rule.execution_status) ? rule.execution_status : {};
  return {
    ruleId: rule.id,
    name: rule.name,
    consumer: rule.consumer,
    ruleTypeId: rule.rule_type_id,
    interval: (rule.schedule as Props).interval,
    enabled: rule.enabled,
    tags: rule.tags,
    params: text(rule.params),
    actions,
    ...nonZero({ notifyWhen: rule.notify_when, throttle: rule.throttle }),
    scheduledTaskId: rule.scheduled_task_id,
    lastExecutionStatus: status.status,
    lastExecutionDate: status.last_execution_date,
  };
}

const rule: Kind = {
  inputs: [
    ...[
      "ruleId",
      "spaceId",
      "name",
      "consumer",
      "notifyWhen",
      "params",
      "ruleTypeId",
      "interval",
      "enabled",
      "tags",
    ],
    ...[
      "throttle",
      "alertDelay",
      "actions",
      "actions.group",
      "actions.id",
      "actions.params",
      "actions.frequency",
    ],
  ],
  required: ["name", "consumer", "params", "ruleTypeId", "interval"],
  defaults: { spaceId: "default" },
  replaceOn: ["ruleId", "spaceId", "consumer", "ruleTypeId"],
  computed: ["ruleId", "scheduledTaskId", "lastExecutionStatus", "lastExecutionDate"],
  async create(api, inputs) {
    const { consumer, enabled, ruleTypeId } = inputs;
    // `enabled: false` is "not set" to the provider: the rule starts enabled, and the next update disables it.
    const body = { ...ruleBody(inputs), consumer, rule_type_id: ruleTypeId, ...nonZero({ enabled }) };
    const id = typeof inputs.ruleId === "string" ? inputs.ruleId : "";
    const path = inSpace(inputs.spaceId, `alerting/rule/${encodeURIComponent(id)}`);
    const made = (await api.kibana({ method: "POST", path, body, headers: XSRF })) as Props;
    return { id: `${String(inputs.spaceId)}/${String(made.id)}` };
  },
  async update(api, id, inputs) {
    const { space, name } = split(id);
    const path = inSpace(space, `alerting/rule/${name}`);
    const made = (await api.kibana({ method: "PUT", path, body: ruleBody(inputs), headers: XSRF })) as Props;
    const wanted = inputs.enabled === true;
    if (made.enabled !== wanted) {
      await api.kibana({ method: "POST", path: `${path}/_${wanted ? "enable" : "disable"}`, headers: XSRF });
    }
    return {};
  },
  delete(api, id) {
    const { space, name } = split(id);
    return api.kibana({ method: "DELETE", path: inSpace(space, `alerting/rule/${name}`), headers: XSRF });
  },
  async read(api, id) {
    const { space, name } = split(id);
    const found = await api.kibana({
      method: "GET",
      path: inSpace(space, `alerting/rule/${name}`),
      allow: [404],
    });
    return isObject(found) ? { spaceId: space, ...ruleRead(found) } : undefined;
  },
};

function dataViewRead(answer: unknown): Props {
  const view = isObject(answer) && isObject(answer.data_view) ? answer.data_view : {};
  const { id, title, name, timeFieldName, allowNoIndex } = view;
  return { dataView: { id, title, name, timeFieldName, allowNoIndex } };
}

const dataView: Kind = {
  inputs: [
    ...["spaceId", "override", "dataView", "dataView.id", "dataView.title", "dataView.name"],
    ...["dataView.timeFieldName", "dataView.allowNoIndex"],
  ],
  required: ["dataView"],
  defaults: { spaceId: "default", override: false },
  replaceOn: ["spaceId", "dataView.id", "dataView.allowNoIndex"],
  async create(api, inputs) {
    const view = { allowNoIndex: false, ...(inputs.dataView as Props) };
    const path = inSpace(inputs.spaceId, "data_views/data_view");
    const body = { data_view: view, override: inputs.override };
    const made = dataViewRead(await api.kibana({ method: "POST", path, body, headers: XSRF }));
    return { id: `${String(inputs.spaceId)}/${String((made.dataView as Props).id)}`, outputs: made };
  },
  async update(api, id, inputs) {
    const { space, name } = split(id);
    const view: Props = { allowNoIndex: false, ...(inputs.dataView as Props), id: undefined };
    const path = inSpace(space, `data_views/data_view/${name}`);
    return {
      outputs: dataViewRead(
        await api.kibana({ method: "POST", path, body: { data_view: view }, headers: XSRF }),
      ),
    };
  },
  delete(api, id) {
    const { space, name } = split(id);
    const path = inSpace(space, `data_views/data_view/${name}`);
    return api.kibana({ method: "DELETE", path, allow: [404], headers: XSRF });
  },
  async read(api, id) {
    const { space, name } = split(id);
    const found = await api.kibana({
      method: "GET",
      path: inSpace(space, `data_views/data_view/${name}`),
      allow: [404],
    });
    return isObject(found) ? { spaceId: space, ...dataViewRead(found) } : undefined;
  },
};

async function importObjects(api: Api, inputs: Props): Promise<{ outputs: Props; warning?: string }> {
  const boundary = randomBytes(30).toString("hex");
  const body =
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="file.ndjson"\r\n` +
    `Content-Type: text/plain; charset=utf-8\r\n\r\n${String(inputs.fileContents)}\r\n--${boundary}--\r\n`;
  const space = typeof inputs.spaceId === "string" && inputs.spaceId !== "default" ? inputs.spaceId : "";
  const prefix = space === "" ? "" : `/s/${encodeURIComponent(space)}`;
  const answer = (await api.kibana({
    method: "POST",
    path: `${prefix}/api/saved_objects/_import?overwrite=${inputs.overwrite === true}`,
    body,
    type: `multipart/form-data; boundary=${boundary}`,
    headers: XSRF,
  })) as Props;
  const pick = ({ id, type, title, error, destinationId, meta }: Props) => ({
    id,
    type,
    title,
    error,
    destinationId,
    meta,
  });
  const outputs = {
    success: answer.success ?? false,
    successCount: answer.successCount ?? 0,
    errors: objects(answer.errors).map(pick),
    successResults: objects(answer.successResults).map(pick),
  };
  if (outputs.success === true || inputs.ignoreImportErrors === true) return { outputs };
  const details = outputs.errors.map(
    ({ id, type, error }) => `${String(type)} ${String(id)}: ${JSON.stringify(error)}`,
  );
  if (Number(outputs.successCount) === 0)
    throw new Error(`no objects imported successfully: ${details.join("; ")}`);
  return { outputs, warning: `not all objects were imported successfully: ${details.join("; ")}` };
}

const savedObjects: Kind = {
  inputs: ["fileContents", "overwrite", "ignoreImportErrors", "spaceId"],
  required: ["fileContents"],
  replaceOn: [],
  computed: ["success", "successCount", "errors", "successResults"],
  fresh: ["success", "successCount", "errors", "successResults"],
  create: async (api, inputs) => ({ id: randomUUID(), ...(await importObjects(api, inputs)) }),
  update: (api, _id, inputs) => importObjects(api, inputs),
  // The real one never deletes what it imported, and never reads it back.
  delete: () => Promise.resolve(),
};

function roleBody({ elasticsearch, kibanas, metadata, description }: Props): Props {
  const { clusters, indices, runAs } = isObject(elasticsearch) ? elasticsearch : {};
  const spaces = objects(kibanas).map(({ bases, features, spaces: where }) => {
    const feature = Object.fromEntries(
      objects(features).map(({ name, privileges }) => [String(name), privileges]),
    );
    return nonZero({ base: bases, feature, spaces: where });
  });
  return {
    elasticsearch: nonZero({
      cluster: clusters,
      indices: objects(indices).map(indexPrivileges),
      run_as: runAs,
    }),
    ...nonZero({ kibana: spaces, metadata: parsed(metadata), description }),
  };
}

function roleRead(role: Props): Props {
  const { cluster, indices, run_as: runAs } = isObject(role.elasticsearch) ? role.elasticsearch : {};
  const withoutRestricted = (entry: Props) =>
    indexPrivilegesRead({ ...entry, allow_restricted_indices: undefined });
  return {
    name: role.name,
    elasticsearch: nonZero({ clusters: cluster, indices: objects(indices).map(withoutRestricted), runAs }),
    kibanas: objects(role.kibana).map(({ base, feature, spaces }) => {
      const named = Object.entries(isObject(feature) ? feature : {});
      return nonZero({
        bases: base,
        features: named.map(([name, privileges]) => ({ name, privileges })),
        spaces,
      });
    }),
    ...nonZero({ description: role.description, metadata: text(role.metadata) }),
  };
}

function rolePath(name: string): string {
  return `/api/security/role/${encodeURIComponent(name)}`;
}

const role: Kind = {
  inputs: [
    ...[
      "name",
      "description",
      "metadata",
      "elasticsearch",
      "elasticsearch.clusters",
      "elasticsearch.indices",
    ],
    ...["elasticsearch.runAs", "kibanas", "kibanas.bases", "kibanas.features", "kibanas.spaces"],
  ],
  required: ["name", "elasticsearch"],
  replaceOn: ["name"],
  computed: ["metadata"],
  async create(api, inputs) {
    const path = `${rolePath(String(inputs.name))}?createOnly=true`;
    await api.kibana({ method: "PUT", path, body: roleBody(inputs), headers: XSRF });
    return { id: String(inputs.name) };
  },
  async update(api, id, inputs) {
    await api.kibana({ method: "PUT", path: rolePath(id), body: roleBody(inputs), headers: XSRF });
    return {};
  },
  delete: (api, id) => api.kibana({ method: "DELETE", path: rolePath(id), headers: OLD_CLIENT }),
  async read(api, id) {
    const found = await api.kibana({ method: "GET", path: rolePath(id), allow: [404], headers: OLD_CLIENT });
    return isObject(found) ? roleRead(found) : undefined;
  },
};

export const KIBANA_KINDS: Readonly<Record<string, Kind>> = {
  KibanaActionConnector: connector,
  KibanaAlertingRule: rule,
  KibanaDataView: dataView,
  KibanaImportSavedObjects: savedObjects,
  KibanaSecurityRole: role,
};
