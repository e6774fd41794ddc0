import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { isAlertIndex, isDataStream, isRelayKey, isWatchKey, RELAY_INDEX, relayIndices } from "../core/names";

type Report = (message: string) => void;
type Props = Record<string, unknown>;

const COMMAND = "command:remote:Command";
const API_KEY = "elasticstack:index/elasticsearchSecurityApiKey:ElasticsearchSecurityApiKey";
const USER = "elasticstack:index/elasticsearchSecurityUser:ElasticsearchSecurityUser";
const PROVIDER = "pulumi:providers:elasticstack";

/** Returns a policy that checks the resources of one type. */
function policyFor(
  type: string,
  policy: { name: string; description: string; enforcementLevel?: "advisory" },
  check: (props: Props, report: Report, args: ResourceValidationArgs) => void,
): ResourceValidationPolicy {
  return {
    ...policy,
    validateResource: (args, report) => {
      if (args.type === type) check(args.props as Props, (message) => report(message), args);
    },
  };
}

function object(value: unknown): Props {
  return typeof value === "object" && value !== null ? (value as Props) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Returns the text of every `NAME='...'` in a bundle. */
function bundleValues(stdin: string, name: string): string[] {
  return [...stdin.matchAll(new RegExp(`^${name}='([^']*)'$`, "gm"))].map((match) => match[1] ?? "");
}

/**
 * Checks that an API key's roles give no more than `monitor` of the cluster, and no more than the allowed privileges of indices.
 * @param allowedPrivileges of indices with these names
 */
function checkKey(
  props: Props,
  report: Report,
  allowedPrivileges: (indexNames: readonly string[]) => readonly string[],
  allowed: { cluster: readonly string[]; settings: readonly string[] } = {
    cluster: ["monitor"],
    settings: [],
  },
): void {
  const roles = Object.values(object(parseJson(text(props.roleDescriptors)))).map(object);
  if (roles.length === 0)
    report(
      "roleDescriptors must not be empty: a key without role descriptors has all rights of the user who creates it",
    );
  // Elasticsearch accepts both names, indices and index, and a text instead of a list of one.
  for (const { cluster, indices, index, ...others } of roles) {
    const clusterPrivileges = list(cluster).filter((privilege) => !allowed.cluster.includes(text(privilege)));
    if (clusterPrivileges.length > 0)
      report(
        `the key may have the cluster privilege ${allowed.cluster.join(", ")} only, not ${clusterPrivileges.join(", ")}`,
      );
    for (const entry of [...list(indices), ...list(index)].map(object)) {
      const names = list(entry.names).map(text);
      const given = allowedPrivileges(names);
      const refused = list(entry.privileges).filter((privilege) => !given.includes(text(privilege)));
      if (refused.length > 0)
        report(`${names.join(", ")}: privileges that the key must not have there: ${refused.join(", ")}`);
      if (entry.allow_restricted_indices !== false) report("allow_restricted_indices must be false");
    }
    for (const [setting, value] of Object.entries(others))
      if (list(value).length > 0 && !allowed.settings.includes(setting))
        report(`the key's role must have cluster and indices only, not "${setting}"`);
  }
}

/** The policies that every stack must follow. Each policy's description gives its reason. */
export const policies: readonly ResourceValidationPolicy[] = [
  policyFor(
    COMMAND,
    {
      name: "host-key-required",
      description:
        "Without its host key, an SSH server is not checked: passwords would go to any server that answers.",
    },
    (props, report) => {
      const connection = object(props.connection);
      if (text(connection.hostKey) === "")
        report("connection has no hostKey; set dhis2-siem:hostKey, such as ssh-ed25519 AAAA...");
      if (connection.proxy !== undefined && text(object(connection.proxy).hostKey) === "") {
        report("connection.proxy, the bastion, has no hostKey; set the bastion's own hostKey");
      }
    },
  ),
  policyFor(
    COMMAND,
    {
      name: "secrets-only-on-stdin",
      description:
        "Other users on the host can read the arguments, environment and logs of a remote command, and error messages contain them. " +
        "Whether stdin is marked as secret is not checked here, because a policy gets every value as plain text (tests/graph checks it).",
    },
    (props, report) => {
      for (const action of ["create", "update", "delete"]) {
        const command = text(props[action]);
        if (command !== "" && !/^(sudo -n )?bash -s -- (apply|delete)$/.test(command)) {
          report(
            `the ${action} command must be "bash -s -- apply" or "bash -s -- delete", which read everything from stdin; it is: ${command.slice(0, 80)}`,
          );
        }
      }
      if (Object.keys(object(props.environment)).length > 0) report("environment must be empty");
      if (props.addPreviousOutputInEnv !== false) report("addPreviousOutputInEnv must be false");
      const logging = text(props.logging);
      if (logging !== "none" && logging !== "stderr")
        report(`logging must be none or stderr; it is "${logging}"`);
    },
  ),
  policyFor(
    API_KEY,
    {
      name: "agent-keys-append-only",
      description:
        "An agent's key is on a machine that attackers may take over: it may add log lines and nothing else, above all not read or delete them.",
    },
    (props, report) => {
      if (isRelayKey(text(props.name)) || isWatchKey(text(props.name))) return;
      checkKey(props, report, (names) => (names.every(isDataStream) ? ["create_doc", "auto_configure"] : []));
    },
  ),
  policyFor(
    API_KEY,
    {
      name: "relay-key-reads-alerts-only",
      description:
        "The relay connects to servers on the internet: its key may read alerts and write its own state, but not read logs or change alerts.",
    },
    (props, report) => {
      if (!isRelayKey(text(props.name))) return;
      checkKey(props, report, (names) => {
        if (names.every((name) => relayIndices(RELAY_INDEX).includes(name)))
          return ["create_index", "read", "write"];
        return names.every(isAlertIndex) ? ["read"] : [];
      });
    },
  ),
  policyFor(
    API_KEY,
    {
      name: "watch-key-reads-settings-only",
      description:
        "The SIEM's watch over itself may read accounts, keys, pipelines and rules, and of which machines lines come, and add lines: it may change nothing.",
    },
    (props, report) => {
      if (!isWatchKey(text(props.name))) return;
      const cluster = ["monitor", "read_pipeline", "read_security"];
      checkKey(
        props,
        report,
        (names) => {
          if (names.every(isDataStream)) return ["auto_configure", "create_doc", "read"];
          return names.every((name) => isDataStream(name) || isAlertIndex(name))
            ? ["view_index_metadata"]
            : [];
        },
        { cluster, settings: ["applications"] },
      );
      for (const role of Object.values(object(parseJson(text(props.roleDescriptors)))).map(object))
        for (const { privileges } of list(role.applications).map(object))
          for (const privilege of list(privileges).map(text))
            if (!privilege.endsWith(".read")) report(`the key may only read in Kibana, not ${privilege}`);
    },
  ),
  policyFor(
    PROVIDER,
    {
      name: "tls-verified",
      description:
        "The superuser's password is sent over this connection: it must be encrypted, and the server's certificate must be checked.",
    },
    (props, report) => {
      for (const server of ["elasticsearch", "kibana"]) {
        const settings = object(parseJson(text(props[server])) ?? props[server]);
        for (const endpoint of list(settings.endpoints)) {
          if (!text(endpoint).startsWith("https://"))
            report(`${server}: the endpoint must begin with https://; it is ${text(endpoint)}`);
        }
        if (settings.insecure === true) report(`${server}: insecure must not be set`);
        const ca = server === "kibana" ? list(settings.caCerts).length : text(settings.caData).length;
        if (ca === 0)
          report(
            `${server}: ${server === "kibana" ? "caCerts" : "caData"} must name the certificate authority`,
          );
      }
    },
  ),
  policyFor(
    COMMAND,
    {
      name: "agents-verify-tls",
      description:
        "An agent that does not check Elasticsearch's certificate gives its key and the logs to any server that answers.",
    },
    (props, report) => {
      const stdin = text(props.stdin);
      for (const match of stdin.matchAll(/^\s*verification_mode: (\S+)$/gm)) {
        if (match[1] !== "full") report(`filebeat.yml: verification_mode must be full; it is ${match[1]}`);
      }
      if (/^\s*- http:\/\//m.test(stdin))
        report("filebeat.yml: every address must begin with https://; one begins with http://");
    },
  ),
  policyFor(
    COMMAND,
    {
      name: "versions-pinned",
      description:
        "What is installed next month must be what was reviewed today, from a repository whose key is known.",
    },
    (props, report) => {
      const stdin = text(props.stdin);
      for (const name of ["ELASTIC_VERSION", "FILEBEAT_VERSION"]) {
        for (const version of bundleValues(stdin, name)) {
          if (!/^\d+\.\d+\.\d+$/.test(version))
            report(`${name} must be an exact version, such as 8.19.8; it is "${version}"`);
        }
      }
      for (const fingerprint of bundleValues(stdin, "PACKAGES_FINGERPRINT")) {
        if (!/^[0-9A-F]{40}$/.test(fingerprint))
          report(`PACKAGES_FINGERPRINT must be 40 hexadecimal digits in upper case; it is "${fingerprint}"`);
      }
      if (/\btrusted=yes\b|--allow-unauthenticated|--force-yes/.test(stdin))
        report("every package repository must be signed: trusted=yes and similar options are not allowed");
    },
  ),
  policyFor(
    USER,
    {
      name: "people-are-not-superusers",
      description:
        "A person's account is for reading logs and working in Kibana; the superuser is for deployment only.",
    },
    (props, report) => {
      if (list(props.roles).includes("superuser")) report("roles must not contain superuser");
    },
  ),
  policyFor(
    COMMAND,
    {
      name: "siem-container-protected",
      description:
        "Destroying the SIEM's container destroys the logs: this must be a decision, not a typing error.",
      enforcementLevel: "advisory",
    },
    (_props, report, args) => {
      if (args.name.endsWith("-container") && !args.opts.protect)
        report("the SIEM's container is not protected; set dhis2-siem:siem.protect to true");
    },
  ),
];

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
