/**
 * Stand-in for Pulumi's terraform-provider plugin with elastic/elasticstack 0.11.17 as its parameter: the resources that
 * the stack makes (kinds.ts), with the provider's requests and habits. Like there, what is compared with a program's
 * inputs is what the servers gave back, not what was sent. What it does not know, it refuses.
 */
import { randomUUID } from "node:crypto";
import { stableJson } from "../../../core/json";
import { differences, emptyLists, foreignNames, fromAnswer, toBody, valueAt } from "./fields";
import { createSend } from "./http";
import { type Kind, KINDS } from "./kinds";
import { isObject, plain, type Props } from "./marks";
import { type Made, refuse, serve, type Standin, type Subject } from "./serve";

const PARAMETER = "registry.opentofu.org/elastic/elasticstack 0.11.17";

function kindOf(token: string): Kind {
  const kind = KINDS[token.split(":").at(-1) ?? ""];
  if (!kind) throw new Error(`the stand-in for elasticstack has no ${token}`);
  return kind;
}

/** The property that names a resource, where the server does not. */
const keyOf = ({ fields }: Kind) => Object.keys(fields).find((name) => fields[name]?.key);

/** The part of an id after the cluster or space. */
const nameOf = (id: string) => id.slice(id.indexOf("/") + 1);

/** The provider's methods, as unconfigured. */
export function createElasticstack(): Standin {
  let send = createSend({});
  let cluster: unknown;

  /** What the server has of a resource; undefined where it is gone. */
  async function find(kind: Kind, id: string): Promise<Props | undefined> {
    if (!kind.read) return {};
    const name = nameOf(id);
    const answer = await send(kind, kind.read, { id: name });
    if (!isObject(answer)) return undefined;
    const found = kind.found?.(answer) ?? (kind.server === "Kibana" ? answer : answer[name]);
    return isObject(found) ? fromAnswer(kind.fields, found) : undefined;
  }

  /** Like the real one's: Kibana's space or the cluster's UUID, and the name. */
  async function idOf({ server, create }: Kind, name: string): Promise<string> {
    if (server === "Kibana") return create.includes(" /s/default/") ? `default/${name}` : name;
    cluster ??= valueAt(await send({ server }, "GET /"), "cluster_uuid");
    return `${String(cluster)}/${name}`;
  }

  /** Makes a resource, or changes an old one; gives what is there then. */
  async function write(subject: Subject, inputs: Props, old?: Made): Promise<Made> {
    const kind = kindOf(subject.token);
    const state = old?.outputs;
    const given = old ? nameOf(old.id) : inputs[keyOf(kind) ?? ""];
    const call = (line: string, body?: unknown) => send(kind, line, { ...inputs, id: given }, body);
    const fields = toBody(kind.fields, inputs, old ? "to change" : "to create");
    const oldFields = state && toBody(kind.fields, state, "to change");
    const line = old ? kind.update : kind.create;
    const answer = line && (await call(line, kind.body ? kind.body(fields, oldFields) : fields));
    for (const [more, wanted, was] of (oldFields && kind.more?.(fields, oldFields, answer)) ?? []) {
      if (stableJson(wanted) !== stableJson(was)) await call(more, isObject(wanted) ? wanted : undefined);
    }
    const warning = kind.review?.(answer as Props);
    if (warning !== undefined) subject.log("warning", warning);
    const name = given ?? (kind.id ? valueAt(answer, kind.id) : randomUUID());
    const id = old?.id ?? (await idOf(kind, String(name)));
    const made = Object.entries(kind.made ?? {}).map(
      ([output, place]) => [output, state && kind.read ? state[output] : valueAt(answer, place)] as const,
    );
    const there = kind.echoes ? fromAnswer(kind.fields, answer as Props) : await find(kind, id);
    return { id, outputs: { ...inputs, ...Object.fromEntries(made), ...there } };
  }

  return {
    version: "1.1.3",
    parameterize(value) {
      const { remote } = JSON.parse(value) as { remote?: { url?: string; version?: string } };
      if (`${remote?.url} ${remote?.version}` === PARAMETER) return;
      throw new Error(`the stand-in for terraform-provider is only for ${PARAMETER}, not ${value}`);
    },
    configure(config) {
      send = createSend(config);
      cluster = undefined;
    },
    check(token, news) {
      const kind = kindOf(token);
      refuse(token, foreignNames(kind.fields, plain(news)));
      const [problem] = emptyLists(kind.fields, plain(news));
      if (problem !== undefined) throw new Error(problem);
      // The real one makes up a name that is not given, with a random end.
      const key = keyOf(kind);
      if (key && !news[key]) throw new Error(`the program gives no ${key} to ${token}`);
      return news;
    },
    diff(token, state, _olds, news) {
      const found = differences(kindOf(token).fields, state, news);
      const replaces = found.filter(([, replaces]) => replaces).map(([path]) => path);
      // The bridge has a resource whose name is given and stays deleted before it is made again.
      const deleteFirst = replaces.length > 0 && news.name !== undefined && news.name === state.name;
      return { changed: found.map(([path]) => path), replaces, ...(deleteFirst && { deleteFirst }) };
    },
    computed(token) {
      const { made = {}, read } = kindOf(token);
      return { create: Object.keys(made), update: read ? [] : Object.keys(made) };
    },
    secrets: (token) => kindOf(token).secret ?? [],
    create: (subject, inputs) => write(subject, inputs),
    update: (subject, id, outputs, inputs) =>
      write(subject, inputs, { id, outputs }).then((made) => made.outputs),
    async read({ token }, id, state, inputs) {
      const kind = kindOf(token);
      const found = await find(kind, id);
      if (!found) return undefined;
      const seen = { ...inputs, ...found };
      const drift = differences(kind.fields, seen, inputs).map(([path]) => path.split(".", 1)[0]);
      const there = Object.entries(found).filter(([name]) => drift.includes(name));
      return { outputs: { ...state, ...found }, inputs: { ...inputs, ...Object.fromEntries(there) } };
    },
    async delete({ token }, id, state) {
      const kind = kindOf(token);
      if (kind.fields.deletionProtection && state.deletionProtection !== false) {
        throw new Error("cannot destroy index without setting deletion_protection=false");
      }
      const name = nameOf(id);
      // An API key is named in the body.
      const body = kind.delete?.includes("{id}") ? undefined : { ids: [name] };
      if (kind.delete) await send(kind, kind.delete, { id: name }, body);
    },
  };
}

if (require.main === module) serve(createElasticstack());
