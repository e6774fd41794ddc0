/**
 * Stand-in for Pulumi's terraform-provider plugin with elastic/elasticstack 0.11.17 as its parameter: the resources that
 * the stack may use, with the provider's requests and habits. Like there, what is compared with a program's inputs is
 * what the servers gave back, not what was sent. What it does not know, it refuses.
 */
import { ELASTICSEARCH_KINDS } from "./elasticsearch-kinds";
import { type Api, createApi } from "./http";
import { canonical, type Kind } from "./kind";
import { KIBANA_KINDS } from "./kibana-kinds";
import { hasUnknown, isObject, isSecret, plain, type Props, stable } from "./marks";
import { type Change, type Checked, serve, type Standin, type Subject } from "./serve";

const PARAMETER = { url: "registry.opentofu.org/elastic/elasticstack", version: "0.11.17" };
const KINDS: Readonly<Record<string, Kind>> = { ...ELASTICSEARCH_KINDS, ...KIBANA_KINDS };

function kindOf(token: string): Kind {
  const [name = ""] = token.split(":").slice(-1);
  const kind = KINDS[name];
  if (!kind) throw new Error(`the stand-in for elasticstack has no ${token}`);
  return kind;
}

/** What is missing or unknown among the inputs. */
function check(token: string, news: Props): Checked {
  const kind = kindOf(token);
  const required = kind.required.filter((name) => news[name] === undefined || news[name] === null);
  const names = new Set(kind.inputs);
  const foreign = Object.entries(news).flatMap(([name, value]) => {
    if (name.startsWith("__") || value === null) return [];
    if (!names.has(name)) return [name];
    if (!kind.inputs.some((other) => other.startsWith(`${name}.`))) return [];
    const bare = isSecret(value) ? plain(value.value) : value;
    const nested = (Array.isArray(bare) ? bare : [bare]).flatMap((item) =>
      isObject(item) ? Object.keys(item) : [],
    );
    return nested.map((key) => `${name}.${key}`).filter((key) => !names.has(key));
  });
  const failures = [
    ...required.map((property) => ({ property, reason: `is required: the program gives no "${property}"` })),
    ...foreign.map((property) => ({ property, reason: "is not known to the stand-in for elasticstack" })),
  ];
  return { failures };
}

/** Paths of what differs between the servers' answer and the inputs; an unknown value differs. */
function differences(state: Props, olds: Props, news: Props, prefix = ""): string[] {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)].filter((key) => !key.startsWith("__")));
  return [...keys].flatMap((key) => {
    const [was, before, wanted] = [state[key], olds[key], news[key]];
    if (hasUnknown(wanted)) return [prefix + key];
    if (isObject(was) && isObject(wanted)) {
      return differences(was, isObject(before) ? before : {}, wanted, `${prefix}${key}.`);
    }
    return stable(canonical(key, was) ?? null) === stable(canonical(key, wanted) ?? null)
      ? []
      : [prefix + key];
  });
}

function diff(token: string, state: Props, olds: Props, news: Props): Change {
  const kind = kindOf(token);
  const wanted = { ...kind.defaults, ...news };
  const { inputs, replaces } = kind.plan?.(state, wanted) ?? { inputs: wanted, replaces: [] };
  const changed = differences(state, olds, inputs);
  const all = [...changed.filter((path) => kind.replaceOn.includes(path)), ...replaces];
  // The bridge has a resource whose name is given and stays deleted before it is made again.
  const deleteFirst = all.length > 0 && news.name !== undefined && news.name === state.name;
  return { changed, replaces: all, ...(deleteFirst ? { deleteFirst } : {}) };
}

/** The inputs as the servers have them: unchanged where that is the same. */
function refreshed(inputs: Props, found: Props): Props {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      if (!(key in found)) return [key, value];
      if (isObject(value) && isObject(found[key])) return [key, refreshed(value, found[key])];
      const same = stable(canonical(key, value) ?? null) === stable(canonical(key, found[key]) ?? null);
      return [key, same ? value : found[key]];
    }),
  );
}

/** The provider's methods, as unconfigured; `env` is the environment whose variables win over the configuration. */
export function createElasticstack(env: NodeJS.ProcessEnv): Standin {
  let api: Api | undefined;
  const configured = () => {
    if (!api) throw new Error("the provider has no configuration yet");
    return api;
  };
  const finish = async (
    subject: Subject,
    kind: Kind,
    id: string,
    made: { outputs?: Props; warning?: string },
    known: Props,
  ): Promise<Props> => {
    if (made.warning) subject.log("warning", made.warning);
    const outputs = { ...known, ...made.outputs };
    if (made.outputs?.dataView !== undefined) return outputs;
    const found = kind.read ? await kind.read(configured(), id) : {};
    if (!found) throw new Error(`${subject.name} was made, and is gone: ${id}`);
    return { ...outputs, ...found };
  };
  return {
    version: "1.1.3",
    parameterize(_name, _version, value) {
      const { remote } = JSON.parse(value) as { remote?: { url?: string; version?: string } };
      if (remote?.url === PARAMETER.url && remote.version === PARAMETER.version) return;
      throw new Error(
        `the stand-in for terraform-provider is only for ${PARAMETER.url} ${PARAMETER.version}, not ${value}`,
      );
    },
    configure: (config) => void (api = createApi(config, env)),
    check,
    diff,
    computed: (token) => ({ create: kindOf(token).computed ?? [], update: kindOf(token).fresh }),
    secrets: (token) => kindOf(token).secret ?? [],
    async create(subject, given) {
      const kind = kindOf(subject.token);
      const inputs = { ...kind.defaults, ...given };
      const made = await kind.create(configured(), inputs);
      return { id: made.id, outputs: await finish(subject, kind, made.id, made, inputs) };
    },
    async read(subject, id, state, inputs) {
      const kind = kindOf(subject.token);
      if (!kind.read) return { outputs: state, inputs };
      const found = await kind.read(configured(), id);
      return found && { outputs: { ...state, ...found }, inputs: refreshed(inputs, found) };
    },
    async update(subject, id, state, given) {
      const kind = kindOf(subject.token);
      const inputs = { ...kind.defaults, ...given };
      const made = await kind.update(configured(), id, inputs, state);
      const kept = (kind.computed ?? []).map((name) => [name, state[name]]);
      return finish(subject, kind, id, made, { ...Object.fromEntries(kept), ...inputs } as Props);
    },
    async delete(subject, id, state) {
      await kindOf(subject.token).delete(configured(), id, state);
    },
  };
}

if (require.main === module) serve(createElasticstack(process.env));
