import assert from "node:assert/strict";
import type { ResourceValidationArgs } from "@pulumi/policy";
import { join } from "node:path";
import { policies } from "../../policies/policies";
import { agentPrivileges } from "../../components/agent";
import { watchPrivileges } from "../../components/siem-watch";
import { relayPrivileges } from "../../components/alert-relay";
import { renderFilebeatYml } from "../../render/filebeat";
import { siteGraph } from "../../commands/graph";
import type { GraphResource } from "../../commands/graph/mocked-program";
import { findFiles } from "../../core/files";

type Resource = Pick<GraphResource, "type" | "name" | "inputs" | "protect">;

/** The names of the policies that refuse a resource, each with its messages. */
function violations(resource: Resource): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  const args = {
    type: resource.type,
    name: resource.name,
    props: resource.inputs,
    opts: { protect: resource.protect },
  } as unknown as ResourceValidationArgs;
  for (const policy of policies) {
    const checks = [policy.validateResource].flat();
    for (const check of checks) void check?.(args, (message) => (found[policy.name] ??= []).push(message));
  }
  return found;
}

const COMMAND: Resource = {
  type: "command:remote:Command",
  name: "agent-a-settings",
  protect: false,
  inputs: {
    connection: { host: "h", user: "u", hostKey: "ssh-ed25519 AAAA" },
    create: "sudo -n bash -s -- apply",
    update: "sudo -n bash -s -- apply",
    delete: "sudo -n bash -s -- delete",
    stdin: "FILEBEAT_VERSION='8.19.8'\nPACKAGES_FINGERPRINT='46095ACC8548582C1A2699A9D27D666CD88E42B4'\n",
    addPreviousOutputInEnv: false,
    logging: "stderr",
  },
};

const KEY: Resource = {
  type: "elasticstack:index/elasticsearchSecurityApiKey:ElasticsearchSecurityApiKey",
  name: "agent-a-key",
  protect: false,
  inputs: { roleDescriptors: JSON.stringify(agentPrivileges("logs-dhis2-default")) },
};

const PROVIDER: Resource = {
  type: "pulumi:providers:elasticstack",
  name: "elastic",
  protect: false,
  inputs: {
    elasticsearch: JSON.stringify({ endpoints: ["https://127.0.0.1:19200"], caData: "PEM" }),
    kibana: JSON.stringify({ endpoints: ["https://127.0.0.1:15601/siem"], caCerts: ["ca.pem"] }),
  },
};

const USER: Resource = {
  type: "elasticstack:index/elasticsearchSecurityUser:ElasticsearchSecurityUser",
  name: "operator-user",
  protect: false,
  inputs: { roles: ["dhis2-siem-operator"] },
};

function withInputs(resource: Resource, inputs: Record<string, unknown>): Resource {
  return { ...resource, inputs: { ...resource.inputs, ...inputs } };
}

function key(change: Record<string, unknown>, index: Record<string, unknown> = {}): Resource {
  const role = (agentPrivileges("logs-dhis2-default") as { agent: { indices: object[] } }).agent;
  const agent = { ...role, indices: role.indices.map((entry) => ({ ...entry, ...index })), ...change };
  return withInputs(KEY, { roleDescriptors: JSON.stringify({ agent }) });
}

const EVERYTHING = { names: ["*"], privileges: ["all"], allow_restricted_indices: false };
const RELAY_KEY = relayKey({});
const STATE = { names: ["dhis2-siem-relay", "dhis2-siem-relay_status"], allow_restricted_indices: false };

function relayKey(change: Record<string, unknown>, alerts: Record<string, unknown> = {}): Resource {
  const { relay } = relayPrivileges("alerts-dhis2-default", ["dhis2-siem-relay"]) as {
    relay: { indices: object[] };
  };
  const [first = {}, ...others] = relay.indices;
  const roleDescriptors = JSON.stringify({
    relay: { ...relay, indices: [{ ...first, ...alerts }, ...others], ...change },
  });
  return withInputs(KEY, { name: "dhis2-siem-relay", roleDescriptors });
}

function watchKey(change: Record<string, unknown>): Resource {
  const { watch } = watchPrivileges("logs-dhis2-default", "alerts-dhis2-default") as { watch: object };
  const roleDescriptors = JSON.stringify({ watch: { ...watch, ...change } });
  return withInputs(KEY, { name: "dhis2-siem-watch.102", roleDescriptors });
}

const container = { name: "a", ip: "10.0.0.2", type: "dhis2", generation: 1 } as const;
const filebeat = renderFilebeatYml(container, {
  fqdn: "f",
  siemAddress: "10.0.0.3",
  dataStream: "logs-dhis2-default",
});

/** Each policy, with what it must let pass and what it must refuse, and how. */
const CASES: Record<string, { for: Resource[]; against: [Resource, RegExp][] }> = {
  "host-key-required": {
    for: [COMMAND],
    against: [
      [
        withInputs(COMMAND, { connection: { host: "h" } }),
        /^connection has no hostKey; set dhis2-siem:hostKey/,
      ],
      [withInputs(COMMAND, { connection: { host: "h", hostKey: "k", proxy: { host: "b" } } }), /bastion/],
    ],
  },
  "secrets-only-on-stdin": {
    for: [COMMAND, withInputs(COMMAND, { create: "bash -s -- apply", logging: "none" })],
    against: [
      [
        withInputs(COMMAND, { create: "elasticsearch-reset-password hunter2" }),
        /create command must be "bash -s -- apply"/,
      ],
      [withInputs(COMMAND, { delete: "sudo -n bash -s -- delete hunter2" }), /delete command/],
      [withInputs(COMMAND, { environment: { PASSWORD: "hunter2" } }), /environment/],
      [withInputs(COMMAND, { addPreviousOutputInEnv: true }), /addPreviousOutputInEnv/],
      // The provider's default is true.
      [withInputs(COMMAND, { addPreviousOutputInEnv: undefined }), /addPreviousOutputInEnv/],
      [withInputs(COMMAND, { logging: "stdoutAndStderr" }), /logging/],
    ],
  },
  "agent-keys-append-only": {
    for: [KEY],
    against: [
      [withInputs(KEY, { roleDescriptors: undefined }), /all rights/],
      [key({ cluster: ["monitor", "manage_security"] }), /manage_security/],
      [key({}, { privileges: ["create_doc", "read"] }), /logs-dhis2-default: .* have there: read$/],
      [key({}, { names: ["logs-*"] }), /logs-\*: .* create_doc/],
      [key({}, { allow_restricted_indices: true }), /allow_restricted_indices/],
      // Elasticsearch treats a text as a list with one item.
      [key({}, { names: "*", privileges: "all" }), /\*: .* have there: all$/],
      // It accepts the list under a second name, too.
      [key({ index: [EVERYTHING] }), /^\*: .* have there: all$/],
      [key({ index: EVERYTHING }), /^\*: .* have there: all$/],
      [key({ run_as: ["elastic"] }), /run_as/],
      [key({ remote_cluster: [{ privileges: ["monitor_enrich"], clusters: ["*"] }] }), /remote_cluster/],
      [key({ remote_indices: [{ names: ["*"] }] }), /remote_indices/],
      [key({ applications: [{ application: "kibana" }] }), /applications/],
      [key({ global: { profile: {} } }), /global/],
    ],
  },
  "watch-key-reads-settings-only": {
    for: [watchKey({}), KEY],
    against: [
      [watchKey({ cluster: ["manage_security"] }), /read_security only, not manage_security$/],
      [watchKey({ indices: [EVERYTHING] }), /^\*: privileges that the key must not have there: all$/],
      [
        watchKey({
          applications: [{ application: "kibana-.kibana", privileges: ["all"], resources: ["*"] }],
        }),
        /^the key may only read in Kibana, not all$/,
      ],
    ],
  },
  "relay-key-reads-alerts-only": {
    for: [RELAY_KEY, KEY],
    against: [
      [withInputs(RELAY_KEY, { roleDescriptors: "{}" }), /without role descriptors/],
      [relayKey({ cluster: ["manage"] }), /manage/],
      [relayKey({}, { privileges: ["read", "write"] }), /have there: write/],
      [relayKey({}, { names: ["logs-dhis2-default"] }), /logs-dhis2-default: .* read/],
      [relayKey({}, { names: ["alerts-dhis2-default", "*"] }), /have there: read/],
      [relayKey({ indices: [{ ...STATE, privileges: ["write", "manage"] }] }), /have there: manage/],
      [relayKey({}, { allow_restricted_indices: true }), /allow_restricted_indices/],
      [relayKey({ index: [EVERYTHING] }), /^\*: .* have there: all$/],
      [relayKey({ run_as: ["elastic"] }), /run_as/],
      [relayKey({ remote_indices: [{ names: ["*"] }] }), /remote_indices/],
    ],
  },
  "tls-verified": {
    for: [PROVIDER],
    against: [
      [
        withInputs(PROVIDER, { kibana: JSON.stringify({ endpoints: ["http://k"], caCerts: ["c"] }) }),
        /kibana: the endpoint must begin with https:\/\/; it is http:\/\/k/,
      ],
      [
        withInputs(PROVIDER, { kibana: JSON.stringify({ insecure: true, caCerts: ["c"] }) }),
        /kibana: insecure/,
      ],
      [
        withInputs(PROVIDER, { elasticsearch: JSON.stringify({ endpoints: ["https://e"] }) }),
        /elasticsearch: caData must name the certificate authority/,
      ],
    ],
  },
  "agents-verify-tls": {
    for: [withInputs(COMMAND, { stdin: filebeat })],
    against: [
      [
        withInputs(COMMAND, {
          stdin: filebeat.replace("verification_mode: full", "verification_mode: none"),
        }),
        /verification_mode must be full; it is none/,
      ],
      [withInputs(COMMAND, { stdin: filebeat.replace(": full", ": certificate") }), /it is certificate/],
      [withInputs(COMMAND, { stdin: filebeat.replace("https://", "http://") }), /http:\/\//],
    ],
  },
  "versions-pinned": {
    for: [COMMAND],
    against: [
      [withInputs(COMMAND, { stdin: "ELASTIC_VERSION='8.x'" }), /ELASTIC_VERSION must be .* it is "8.x"/],
      [withInputs(COMMAND, { stdin: "FILEBEAT_VERSION='8.19'" }), /FILEBEAT_VERSION must be .* it is "8.19"/],
      [
        withInputs(COMMAND, { stdin: "PACKAGES_FINGERPRINT='D88E42B4'" }),
        /PACKAGES_FINGERPRINT must be 40 .* it is "D88E42B4"/,
      ],
      [withInputs(COMMAND, { stdin: "deb [trusted=yes] http://m stable main" }), /must be signed/],
    ],
  },
  "people-are-not-superusers": {
    for: [USER],
    against: [[withInputs(USER, { roles: ["superuser"] }), /superuser/]],
  },
  "siem-container-protected": {
    for: [{ ...COMMAND, name: "siem-container", protect: true }, COMMAND],
    against: [[{ ...COMMAND, name: "siem-container" }, /not protected/]],
  },
};

describe("policies", () => {
  it("each have cases for and against, and a reason", () => {
    assert.deepEqual(policies.map((policy) => policy.name).sort(), Object.keys(CASES).sort());
    for (const policy of policies) assert.ok(policy.description.length > 40, policy.name);
  });

  for (const [name, cases] of Object.entries(CASES)) {
    it(`${name} lets pass what it should`, () => {
      for (const resource of cases.for) assert.equal(violations(resource)[name], undefined);
    });
    it(`${name} refuses what it should`, () => {
      for (const [resource, message] of cases.against)
        assert.match(violations(resource)[name]?.join("\n") ?? "", message);
    });
  }

  for (const file of findFiles(join(__dirname, "../sites"), ".json")) {
    it(`let the example site ${file.split("/").at(-1)} pass`, async () => {
      const graph = await siteGraph(file);
      assert.ok(graph.resources.length > 20);
      for (const resource of graph.resources) assert.deepEqual(violations(resource), {}, resource.name);
    });
  }
});
