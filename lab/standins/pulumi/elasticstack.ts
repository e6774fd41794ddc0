/**
 * Stand-in for Pulumi's terraform-provider plugin with elastic/elasticstack 0.11.17 as its parameter: the resources that
 * the stack creates (kinds.ts), with the provider's requests and behaviour. Like the provider, it compares a program's
 * inputs with what the servers returned, not with what was sent. It refuses everything that it does not know.
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

/** Returns the property that names a resource; undefined if the server makes its id. */
const keyOf = ({ fields }: Kind) => Object.keys(fields).find((name) => fields[name]?.key);

/** Returns the part of an id after the cluster's or space's name. */
const nameOf = (id: string) => id.slice(id.indexOf("/") + 1);

/** Returns the provider's methods, before it is configured. */
export function createElasticstack(): Standin {
  let send = createSend({});
  let cluster: unknown;

  /** Returns a resource's properties as the server has them; undefined if the resource does not exist. */
  async function find(kind: Kind, id: string): Promise<Props | undefined> {
    if (!kind.read) return {};
    const name = nameOf(id);
    const answer = await send(kind, kind.read, { id: name });
    if (!isObject(answer)) return undefined;
    const found = kind.found?.(answer) ?? (kind.server === "Kibana" ? answer : answer[name]);
    return isObject(found) ? fromAnswer(kind.fields, found) : undefined;
  }

  /** Returns an id like the real provider's: Kibana's space or the cluster's UUID, and the name. */
  async function idOf({ server, create }: Kind, name: string): Promise<string> {
    if (server === "Kibana") return create.includes(" /s/default/") ? `default/${name}` : name;
    cluster ??= valueAt(await send({ server }, "GET /"), "cluster_uuid");
    return `${String(cluster)}/${name}`;
  }

  /** Creates a resource or updates an existing one, and returns its new state. */
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
      // The real provider generates a missing name, with a random end.
      const key = keyOf(kind);
      if (key && !news[key]) throw new Error(`the program gives no ${key} to ${token}`);
      return news;
    },
    diff(token, state, _olds, news) {
      const found = differences(kindOf(token).fields, state, news);
      const replaces = found.filter(([, replaces]) => replaces).map(([path]) => path);
      // Pulumi's bridge deletes a resource before it creates the replacement if the given name stays the same.
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
      // The name of an API key is in the body.
      const body = kind.delete?.includes("{id}") ? undefined : { ids: [name] };
      if (kind.delete) await send(kind, kind.delete, { id: name }, body);
    },
  };
}

if (require.main === module) serve(createElasticstack());
