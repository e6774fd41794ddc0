import { basic, type Elasticsearch } from "./elasticsearch";
import { isObject, type Json, Refusal } from "./words";

export interface Login {
  username: string;
  password: string;
  /** The `Authorization` header to act as this user. */
  auth: string;
  mayWrite: boolean;
}

const application = "kibana-.kibana";
const actions = { read: ["api:read"], all: ["api:read", "api:write"] };

/** Makes Elasticsearch know what Kibana's privileges mean, as Kibana does when it starts and when a role names a feature. */
export async function registerPrivileges(elasticsearch: Elasticsearch, names: string[]): Promise<void> {
  const entries = names.map((name) => {
    const granted = /(^|[._])all$/.test(name) ? actions.all : actions.read;
    return [name, { application, name, actions: granted, metadata: {} }];
  });
  const body = { [application]: Object.fromEntries(entries) as Json };
  const answer = await elasticsearch.call("PUT", "/_security/privilege", elasticsearch.own, body);
  if (answer.status !== 200)
    throw new Error(`Kibana's own login was refused by Elasticsearch (${answer.status})`);
}

/** Checks HTTP Basic credentials against Elasticsearch, and remembers those that were right for ten seconds. */
export function authenticator(elasticsearch: Elasticsearch): (header?: string) => Promise<Login> {
  const known = new Map<string, { login: Login; until: number }>();
  return async (header = "") => {
    const remembered = known.get(header);
    if (remembered && remembered.until > Date.now()) return remembered.login;
    known.delete(header);
    const [, encoded] = /^Basic (\S+)$/i.exec(header) ?? [];
    const [username = "", ...rest] = Buffer.from(encoded ?? "", "base64")
      .toString()
      .split(":");
    const password = rest.join(":");
    const auth = basic(username, password);
    const user = username && (await elasticsearch.call("GET", "/_security/_authenticate", auth));
    if (!user || user.status !== 200) throw new Refusal(401, "Unauthorized");
    const wanted = { application, privileges: actions.all, resources: ["space:default"] };
    const path = "/_security/user/_has_privileges";
    const rights = await elasticsearch.call("POST", path, auth, { application: [wanted] });
    const granted = (
      rights.body.application as Record<string, Record<string, Record<string, boolean>>> | undefined
    )?.[application]?.["space:default"];
    if (!granted?.["api:read"]) throw new Refusal(403, "Forbidden");
    const login = { username, password, auth, mayWrite: granted["api:write"] === true };
    known.set(header, { login, until: Date.now() + 10_000 });
    return login;
  };
}

interface Entry {
  base: string[];
  feature: Record<string, string[]>;
  spaces: string[];
}

/** A role's Kibana part as the application privileges that Elasticsearch stores. */
export function toApplications(
  entries: Entry[],
): { application: string; privileges: string[]; resources: string[] }[] {
  return entries.map(({ base, feature, spaces }) => {
    const everywhere = spaces.includes("*");
    return {
      application,
      privileges: [
        ...base.map((name) => (everywhere ? name : `space_${name}`)),
        ...Object.entries(feature).flatMap(([id, names]) => names.map((name) => `feature_${id}.${name}`)),
      ],
      resources: everywhere ? ["*"] : spaces.map((space) => `space:${space}`),
    };
  });
}

/** The opposite: a role as Elasticsearch keeps it, in the form of Kibana's API. */
export function showRole(name: string, role: Json): Json {
  const { applications, description, metadata, transient_metadata, cluster, indices, run_as } = role;
  const own = (applications as { application: string; privileges: string[]; resources: string[] }[]).filter(
    (entry) => entry.application === application,
  );
  const kibana = own.map(({ privileges, resources }): Entry => {
    const feature: Record<string, string[]> = {};
    for (const privilege of privileges) {
      const [, id, level] = /^feature_(.+)\.(.+)$/.exec(privilege) ?? [];
      if (id && level) feature[id] = [...(feature[id] ?? []), level];
    }
    const base = privileges.filter((it) => !it.startsWith("feature_")).map((it) => it.replace(/^space_/, ""));
    return { base, feature, spaces: resources.map((resource) => resource.replace(/^space:/, "")) };
  });
  return {
    name,
    ...(description !== undefined && { description }),
    metadata: isObject(metadata) ? metadata : {},
    transient_metadata,
    elasticsearch: { cluster, indices, run_as },
    kibana,
    _transform_error: [],
    _unrecognized_applications: [],
  };
}
