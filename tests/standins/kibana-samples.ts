import { listenAnywhere } from "../../core/ports";
import { grouped } from "../support/es-query";
import type { Server } from "node:http";
import type { Json } from "../../core/json";

export const encryptionKey = "k".repeat(32);
export const settings = {
  "elasticsearch.username": "kibana_system",
  "elasticsearch.password": "pw",
  "xpack.encryptedSavedObjects.encryptionKey": encryptionKey,
};
export const ruleId = "6f1c5a4e-0000-4000-8000-0000000000aa";
export const basic = (login: string) => `Basic ${Buffer.from(login).toString("base64")}`;

export async function listen(server: Server): Promise<string> {
  return `http://127.0.0.1:${await listenAnywhere(server)}`;
}

export interface Reply {
  status: number;
  body: Json;
}
export type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Reply>;

export function caller(url: string, login = "boss:pw"): Call {
  return async (method, path, body, headers = {}) => {
    const form = body instanceof FormData;
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: basic(login),
        "kbn-xsrf": "true",
        ...(!form && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
    });
    const answer = await response.text();
    return {
      status: response.status,
      body: (answer.startsWith("{") ? JSON.parse(answer) : { text: answer }) as Json,
    };
  };
}

export const params = grouped;
export const esqlParams = {
  searchType: "esqlQuery",
  esqlQuery: { esql: "from logs-dhis2-* | limit 1" },
  timeField: "event.ingested",
  timeWindowSize: 5,
  timeWindowUnit: "m",
  threshold: [0],
  thresholdComparator: ">",
  size: 10,
};
export const frequency = { summary: false, notify_when: "onActiveAlert", throttle: null };
export const action = {
  id: "c1",
  group: "query matched",
  frequency,
  params: { documents: [{ name: "{{rule.name}}" }] },
};
export const ruleBody = {
  name: "Failed logins for one user",
  rule_type_id: ".es-query",
  consumer: "alerts",
  schedule: { interval: "1m" },
  tags: ["dhis2"],
  throttle: null,
  params,
  actions: [action],
};
export const connectorBody = {
  name: "alerts",
  connector_type_id: ".index",
  config: { index: "alerts-dhis2-default", refresh: true, executionTimeField: "@timestamp" },
};

export function ndjson(objects: unknown[]): FormData {
  const form = new FormData();
  form.set("file", new Blob([objects.map((object) => JSON.stringify(object)).join("\n")]), "file.ndjson");
  return form;
}
export const dashboard = (id: string, more: Json = {}) => ({
  type: "dashboard",
  id,
  attributes: { title: id },
  ...more,
});
