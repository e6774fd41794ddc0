import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { isAlertIndex, isDataStream, RELAY_INDEX, RELAY_KEY, relayIndices } from "../core/names";

type Report = (message: string) => void;
type Props = Record<string, unknown>;

const COMMAND = "command:remote:Command";
const API_KEY = "elasticstack:index/elasticsearchSecurityApiKey:ElasticsearchSecurityApiKey";
const USER = "elasticstack:index/elasticsearchSecurityUser:ElasticsearchSecurityUser";
const PROVIDER = "pulumi:providers:elasticstack";

/** A policy about resources of one type. */
function about(
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

/** The value `NAME='...'` of a bundle, wherever in it. */
function bundleValues(stdin: string, name: string): string[] {
  return [...stdin.matchAll(new RegExp(`^${name}='([^']*)'$`, "gm"))].map((match) => match[1] ?? "");
}

/** An API key's roles: no more than `monitor` of the cluster, and of indices with these names what is allowed there. */
function checkKey(
  props: Props,
  report: Report,
  allowed: (names: readonly string[]) => readonly string[],
): void {
  const roles = Object.values(object(parseJson(text(props.roleDescriptors)))).map(object);
  if (roles.length === 0) report("the key has no role descriptors: it would have all rights of its maker");
  // Elasticsearch takes both names of the list, and a text for a list of one.
  for (const { cluster, indices, index, ...others } of roles) {
    const more = list(cluster).filter((right) => right !== "monitor");
    if (more.length > 0) report(`cluster privileges beyond monitor: ${more.join(", ")}`);
    for (const part of [...list(indices), ...list(index)].map(object)) {
      const names = list(part.names).map(text);
      const fine = allowed(names);
      const rights = list(part.privileges).filter((right) => !fine.includes(text(right)));
      if (rights.length > 0)
        report(`${names.join(", ")}: privileges that it must not have there: ${rights.join(", ")}`);
      if (part.allow_restricted_indices !== false) report("allow_restricted_indices is not false");
    }
    for (const [extra, value] of Object.entries(others))
      if (list(value).length > 0) report(`the key's role has "${extra}"`);
  }
}

/** What a stack must never do. Each policy's description is its reason. */
export const policies: readonly ResourceValidationPolicy[] = [
  about(
    COMMAND,
    {
      name: "host-key-required",
      description:
        "Without its host key, an SSH server is not checked at all: passwords would go to whoever answers.",
    },
    (props, report) => {
      const connection = object(props.connection);
      if (text(connection.hostKey) === "") report("the connection has no hostKey");
      if (connection.proxy !== undefined && text(object(connection.proxy).hostKey) === "") {
        report("the connection's bastion (proxy) has no hostKey of its own");
      }
    },
  ),
  about(
    COMMAND,
    {
      name: "secrets-only-on-stdin",
      description:
        "Arguments, the environment and logs of a remote command can be read by others on the host, and are in error messages. " +
        "Whether stdin is marked as secret is not checked here: a policy is shown every value unwrapped (tests/graph checks it).",
    },
    (props, report) => {
      for (const action of ["create", "update", "delete"]) {
        const command = text(props[action]);
        if (command !== "" && !/^(sudo -n )?bash -s -- (apply|delete)$/.test(command)) {
          report(
            `the ${action} command is not the fixed one that reads everything from stdin: ${command.slice(0, 80)}`,
          );
        }
      }
      if (Object.keys(object(props.environment)).length > 0) report("the command has an environment");
      if (props.addPreviousOutputInEnv !== false) report("addPreviousOutputInEnv is not false");
      const logging = text(props.logging);
      if (logging !== "none" && logging !== "stderr") report(`logging is "${logging}", not none or stderr`);
    },
  ),
  about(
    API_KEY,
    {
      name: "agent-keys-append-only",
      description:
        "An agent's key lies on a machine that may be broken into: it may add log lines and nothing else, above all not read or delete them.",
    },
    (props, report) => {
      if (props.name === RELAY_KEY) return;
      checkKey(props, report, (names) => (names.every(isDataStream) ? ["create_doc", "auto_configure"] : []));
    },
  ),
  about(
    API_KEY,
    {
      name: "relay-key-reads-alerts-only",
      description:
        "The relay talks to servers on the internet: its key may read alerts and keep its own state, never touch logs or change alerts.",
    },
    (props, report) => {
      if (props.name !== RELAY_KEY) return;
      checkKey(props, report, (names) => {
        if (names.every((name) => relayIndices(RELAY_INDEX).includes(name)))
          return ["create_index", "read", "write"];
        return names.every(isAlertIndex) ? ["read"] : [];
      });
    },
  ),
  about(
    PROVIDER,
    {
      name: "tls-verified",
      description:
        "The superuser's password travels on this connection: it is encrypted, and the server's certificate is checked.",
    },
    (props, report) => {
      for (const server of ["elasticsearch", "kibana"]) {
        const settings = object(parseJson(text(props[server])) ?? props[server]);
        for (const endpoint of list(settings.endpoints)) {
          if (!text(endpoint).startsWith("https://")) report(`${server}: ${text(endpoint)} is not https`);
        }
        if (settings.insecure === true) report(`${server}: insecure is set`);
        const ca = server === "kibana" ? list(settings.caCerts).length : text(settings.caData).length;
        if (ca === 0) report(`${server}: no certificate authority is given`);
      }
    },
  ),
  about(
    COMMAND,
    {
      name: "agents-verify-tls",
      description:
        "An agent that does not check Elasticsearch's certificate gives its key and the logs to whoever answers.",
    },
    (props, report) => {
      const stdin = text(props.stdin);
      for (const match of stdin.matchAll(/^\s*verification_mode: (\S+)$/gm)) {
        if (match[1] !== "full") report(`filebeat.yml has verification_mode: ${match[1]}`);
      }
      if (/^\s*- http:\/\//m.test(stdin)) report("filebeat.yml sends to an http:// address");
    },
  ),
  about(
    COMMAND,
    {
      name: "versions-pinned",
      description:
        "What is installed next month must be what was reviewed today, from a source whose key was named.",
    },
    (props, report) => {
      const stdin = text(props.stdin);
      for (const name of ["ELASTIC_VERSION", "FILEBEAT_VERSION"]) {
        for (const version of bundleValues(stdin, name)) {
          if (!/^\d+\.\d+\.\d+$/.test(version)) report(`${name} is "${version}", not an exact version`);
        }
      }
      for (const fingerprint of bundleValues(stdin, "PACKAGES_FINGERPRINT")) {
        if (!/^[0-9A-F]{40}$/.test(fingerprint))
          report(`the packages' key has no full fingerprint: "${fingerprint}"`);
      }
      if (/\btrusted=yes\b|--allow-unauthenticated|--force-yes/.test(stdin))
        report("a package source is taken unsigned");
    },
  ),
  about(
    USER,
    {
      name: "people-are-not-superusers",
      description: "A person's account reads logs and works in Kibana; the superuser is for deploying only.",
    },
    (props, report) => {
      if (list(props.roles).includes("superuser")) report("the account has the role superuser");
    },
  ),
  about(
    COMMAND,
    {
      name: "siem-container-protected",
      description:
        "Destroying the SIEM's container destroys the logs: that should take a decision, not a typing error.",
      enforcementLevel: "advisory",
    },
    (_props, report, args) => {
      if (args.name.endsWith("-container") && !args.opts.protect)
        report("the SIEM's container is not protected");
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
