/**
 * Stand-in for Pulumi's terraform-provider plugin with elastic/elasticstack 0.11.17 as its parameter: the resources that
 * the stack makes (kinds.ts), with the provider's requests and habits. Like there, what is compared with a program's
 * inputs is what the servers gave back, not what was sent. What it does not know, it refuses.
 */
import { randomUUID } from "node:crypto";
import { differences, foreignNames, fromAnswer, refreshed, toBody, valueAt } from "./fields";
import { createSend, type Request, type Send } from "./http";
import { type Kind, KINDS } from "./kinds";
import { isObject, plain, type Props } from "./marks";
import { refuse, serve, type Standin, type Subject } from "./serve";

const PARAMETER = { url: "registry.opentofu.org/elastic/elasticstack", version: "0.11.17" };

function kindOf(token: string): Kind {
  const kind = KINDS[token.split(":").at(-1) ?? ""];
  if (!kind) throw new Error(`the stand-in for elasticstack has no ${token}`);
  return kind;
}

/** The property that names a resource, where the server does not. */
function keyOf({ fields }: Kind): string | undefined {
  return Object.keys(fields).find((name) => fields[name]?.key);
}

/** The part of an id after the cluster or space. */
function nameOf(id: string): string {
  return id.slice(id.indexOf("/") + 1);
}

/** One of a kind's requests, with the headers that it was recorded with. */
function requestOf(kind: Kind, line: string, name: string, content: Partial<Request> = {}): Request {
  const xsrf = kind.server === "Kibana" && (kind.oldClient || !line.startsWith("GET "));
  const headers = {
    ...(xsrf && { "kbn-xsrf": "true" }),
    ...(kind.oldClient && { "content-type": "application/json" }),
    ...content.headers,
  };
  const place = line.replace("{id}", encodeURIComponent(name)) + (content.query ?? "");
  return { ...content, server: kind.server, line: place, headers };
}

/** What creates a resource; with its state, what changes it. */
function contentOf(kind: Kind, inputs: Props, state?: Props): Partial<Request> {
  if (kind.content) return kind.content(inputs);
  const body = toBody(kind.fields, inputs, state === undefined);
  return { body: kind.body?.(body, state ?? {}) ?? body };
}

/** Outputs that are in the answer to a write. */
function madeFrom(kind: Kind, answer: unknown, subject: Subject): Props {
  const warning = kind.review?.(answer as Props);
  if (warning !== undefined) subject.log("warning", warning);
  const places = Object.entries(kind.made ?? {});
  return Object.fromEntries(places.map(([name, place]) => [name, valueAt(answer, place)]));
}

/** What the server has of a resource; undefined where it is gone. */
async function find(send: Send, kind: Kind, id: string): Promise<Props | undefined> {
  const name = nameOf(id);
  const answer = await send(requestOf(kind, kind.read ?? "", name, { mayBeGone: true }));
  if (answer === undefined) return undefined;
  const found = kind.found === undefined ? answer : valueAt(answer, kind.found, name);
  if (!isObject(found)) throw new Error(`"${name}" is not in the answer to ${kind.read}`);
  const key = keyOf(kind);
  return { ...(key !== undefined && { [key]: name }), ...fromAnswer(kind.fields, found) };
}

/** What is there after a write. */
async function afterwards(send: Send, kind: Kind, id: string, answer: unknown): Promise<Props> {
  if (kind.echoes) return fromAnswer(kind.fields, answer as Props);
  if (!kind.read) return {};
  const found = await find(send, kind, id);
  if (!found) throw new Error(`it was made, and is gone: ${id}`);
  return found;
}

/** The provider's methods, as unconfigured. */
export function createElasticstack(): Standin {
  let send: Send = () => Promise.reject(new Error("the provider has no configuration yet"));
  /** The cluster's UUID, which the real one puts before each id. */
  let cluster: unknown;

  return {
    version: "1.1.3",
    parameterize(value) {
      const { remote } = JSON.parse(value) as { remote?: { url?: string; version?: string } };
      if (remote?.url === PARAMETER.url && remote.version === PARAMETER.version) return;
      throw new Error(
        `the stand-in for terraform-provider is only for ${PARAMETER.url} ${PARAMETER.version}, not ${value}`,
      );
    },
    configure(config) {
      send = createSend(config);
      cluster = undefined;
    },
    check(token, news) {
      const kind = kindOf(token);
      refuse(token, foreignNames(kind.fields, plain(news)));
      // The real one makes up a name that is not given, with a random end.
      const key = keyOf(kind);
      if (key !== undefined && !news[key]) throw new Error(`the program gives no ${key} to ${token}`);
      return news;
    },
    diff(token, state, _olds, news) {
      const found = differences(kindOf(token).fields, state, news);
      const changed = found.map(({ path }) => path);
      const replaces = found.filter((difference) => difference.replaces).map(({ path }) => path);
      // The bridge has a resource whose name is given and stays deleted before it is made again.
      const deleteFirst = replaces.length > 0 && news.name !== undefined && news.name === state.name;
      return { changed, replaces, ...(deleteFirst && { deleteFirst }) };
    },
    computed(token) {
      const { made = {}, read } = kindOf(token);
      return { create: Object.keys(made), update: read ? [] : Object.keys(made) };
    },
    secrets: (token) => kindOf(token).secret ?? [],
    async create(subject, inputs) {
      const kind = kindOf(subject.token);
      const key = keyOf(kind);
      const given = key === undefined ? "" : String(inputs[key]);
      const answer = await send(requestOf(kind, kind.create, given, contentOf(kind, inputs)));
      const made = madeFrom(kind, answer, subject);
      const name = given || String(kind.id ? valueAt(answer, kind.id) : randomUUID());
      if (kind.prefix === undefined) {
        cluster ??= valueAt(await send({ server: "Elasticsearch", line: "GET /" }), "cluster_uuid");
      }
      const prefix = kind.prefix ?? String(cluster);
      const id = prefix === "" ? name : `${prefix}/${name}`;
      return { id, outputs: { ...inputs, ...made, ...(await afterwards(send, kind, id, answer)) } };
    },
    async update(subject, id, state, inputs) {
      const kind = kindOf(subject.token);
      const call = (line: string, content?: Partial<Request>) =>
        send(requestOf(kind, line, nameOf(id), content));
      const answer = kind.update && (await call(kind.update, contentOf(kind, inputs, state)));
      await kind.afterUpdate?.(call, inputs, state, answer);
      const kept = Object.keys(kind.made ?? {}).map((name) => [name, state[name]] as const);
      const made = kind.read ? Object.fromEntries(kept) : madeFrom(kind, answer, subject);
      return { ...inputs, ...made, ...(await afterwards(send, kind, id, answer)) };
    },
    async read({ token }, id, state, inputs) {
      const kind = kindOf(token);
      if (!kind.read) return { outputs: state, inputs };
      const found = await find(send, kind, id);
      return found && { outputs: { ...state, ...found }, inputs: refreshed(kind.fields, inputs, found) };
    },
    async delete({ token }, id, state) {
      const kind = kindOf(token);
      if (kind.fields.deletionProtection && state.deletionProtection !== false) {
        throw new Error(
          "cannot destroy index without setting deletion_protection=false and running `terraform apply`",
        );
      }
      if (!kind.delete) return;
      const [name, { deletion, mayBeGone }] = [nameOf(id), kind];
      await send(requestOf(kind, kind.delete, name, { body: deletion?.(name), mayBeGone }));
    },
  };
}

if (require.main === module) serve(createElasticstack());
