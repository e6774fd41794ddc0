/**
 * What the three stand-ins share: Pulumi's provider protocol over gRPC, with plain objects on the inside.
 * (`main` of `@pulumi/pulumi/provider` neither passes on the provider's configuration nor knows previews.)
 */
import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import * as engine from "@pulumi/pulumi/proto/engine_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import * as service from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { stableJson } from "../../../core/json";
import { endWithParent, handler, listen } from "./grpc";
import { markSecrets, plain, type Props, UNKNOWN } from "./marks";

type LogSeverity = "status" | "warning";

/** The resource that a call is about. */
export interface Subject {
  /** Its type, such as "random:index/randomUuid:RandomUuid". */
  readonly token: string;
  readonly name: string;
  /** A status is on the screen until the next one, or the step's end; a warning stays. */
  log(severity: LogSeverity, message: string): void;
}

export interface Change {
  /** Names of properties, nested ones as "dataView.title". */
  readonly changed: readonly string[];
  /** Those of them that make another resource. */
  readonly replaces: readonly string[];
  /** The old resource has to go first, because both would have the same name. */
  readonly deleteFirst?: boolean;
}

/** `outputs` hold the inputs too. */
export interface Made {
  readonly id: string;
  readonly outputs: Props;
}

/**
 * One stand-in. Inputs and states come without marks of secrets (but for `check`), and without unknown values (but for
 * `check` and `diff`): a preview never reaches `create` and `update`.
 */
export interface Standin {
  readonly version: string;
  parameterize?(value: string): void;
  configure?(config: Props): void;
  /** The inputs, with defaults and marks of secrets added; throws where one is wrong. Without it, they stay as they came. */
  check?(token: string, news: Props): Props;
  diff(token: string, state: Props, olds: Props, news: Props): Change;
  /** Outputs that are no inputs and so unknown in the preview of a creation; `update` those that an update makes anew. */
  computed(token: string): { readonly create: readonly string[]; readonly update?: readonly string[] };
  /** Outputs that are always secret. */
  secrets(token: string): readonly string[];
  create(subject: Subject, inputs: Props): Promise<Made>;
  /** What is there now, and the inputs that would make it so; undefined where it is gone. Without it a refresh changes nothing. */
  read?(
    subject: Subject,
    id: string,
    state: Props,
    inputs: Props,
  ): Promise<{ readonly outputs: Props; readonly inputs: Props } | undefined>;
  update?(subject: Subject, id: string, state: Props, inputs: Props): Promise<Props>;
  delete(subject: Subject, id: string, state: Props): Promise<void>;
}

/** The change where every input counts as it is: names of those that differ (an unknown one does), and of those in `replaceOn`. */
export function inputChange(olds: Props, news: Props, replaceOn: readonly string[]): Change {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)].filter((key) => !key.startsWith("__")));
  const changed = [...keys].filter((key) => stableJson(news[key]) !== stableJson(olds[key]));
  return { changed, replaces: changed.filter((key) => replaceOn.includes(key)) };
}

/** Throws where names of inputs are given that a stand-in does not know: else they would go missing without a word. */
export function refuse(what: string, given: readonly string[], known: readonly string[] = []): void {
  const foreign = given.filter((name) => !known.includes(name));
  if (foreign.length > 0) throw new Error(`the stand-in does not know ${foreign.join(", ")} of ${what}`);
}

function props(struct: Struct | undefined): Props {
  return struct?.toJavaScript() ?? {};
}

function toStruct(value: Props): Struct {
  // Without `undefined` at any depth, which a Struct cannot hold.
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(value)) as Record<string, JavaScriptValue>);
}

function diffResponse({ changed, replaces, deleteFirst = false }: Change): proto.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = proto.DiffResponse.DiffChanges;
  const { UPDATE, UPDATE_REPLACE } = proto.PropertyDiff.Kind;
  const response = new proto.DiffResponse()
    .setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setDiffsList(topLevel(changed))
    .setReplacesList(topLevel(replaces))
    .setDeletebeforereplace(deleteFirst);
  // As the bridge does, so that a preview shows what changes in a large object, and not all of it.
  response.setHasdetaileddiff(true);
  for (const path of changed) {
    const kind = replaces.includes(path) ? UPDATE_REPLACE : UPDATE;
    response.getDetaileddiffMap().set(path, new proto.PropertyDiff().setKind(kind).setInputdiff(true));
  }
  return response;
}

/** The first keys of paths. */
function topLevel(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.split(".", 1)[0] ?? ""))];
}

/** The type of a resource from its URN: the last part of its qualified type. */
function tokenOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** The handlers of Pulumi's ResourceProvider service for a stand-in; `log` carries lines to the engine. */
function handlers(standin: Standin, log: (severity: LogSeverity, urn: string, line: string) => void) {
  const subjectOf = (request: { getUrn(): string }): Subject => ({
    token: tokenOf(request.getUrn()),
    name: request.getUrn().split("::").slice(3).join("::"),
    log: (severity, line) => log(severity, request.getUrn(), line),
  });
  const unknown = (names: readonly string[] = []) => Object.fromEntries(names.map((name) => [name, UNKNOWN]));
  /** Outputs for the engine, as secret as the inputs (or the state) that they came from. */
  const marked = (token: string, outputs: Props, models: Props) =>
    toStruct(markSecrets(outputs, models, standin.secrets(token)));
  return {
    getPluginInfo: handler(() => new plugin.PluginInfo().setVersion(standin.version)),
    parameterize: handler((request: proto.ParameterizeRequest) => {
      const value = request.getValue();
      if (!standin.parameterize || !value) throw new Error("this stand-in takes no such parameter");
      standin.parameterize(Buffer.from(value.getValue_asU8()).toString());
      return new proto.ParameterizeResponse().setName(value.getName()).setVersion(value.getVersion());
    }),
    // Exactly what came: anything else would show up as a change of the provider at the next update.
    checkConfig: handler((request: proto.CheckRequest) =>
      new proto.CheckResponse().setInputs(request.getNews()),
    ),
    // Without the version: for a program without a language host the engine puts the parameter's there at first, then the plugin's.
    diffConfig: handler((request: proto.DiffRequest) => {
      const config = (given: Struct | undefined) => ({ ...plain(props(given)), version: undefined });
      return diffResponse(inputChange(config(request.getOldInputs()), config(request.getNews()), []));
    }),
    configure: handler((request: proto.ConfigureRequest) => {
      standin.configure?.(plain(props(request.getArgs())));
      return new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),
    check: handler((request: proto.CheckRequest) => {
      const news = props(request.getNews());
      const inputs = standin.check?.(tokenOf(request.getUrn()), news) ?? news;
      return new proto.CheckResponse().setInputs(toStruct(inputs));
    }),
    diff: handler((request: proto.DiffRequest) => {
      const [state, olds, news] = [request.getOlds(), request.getOldInputs(), request.getNews()].map(
        (given) => plain(props(given)),
      ) as [Props, Props, Props];
      return diffResponse(standin.diff(tokenOf(request.getUrn()), state, olds, news));
    }),
    create: handler(async (request: proto.CreateRequest) => {
      const [subject, inputs] = [subjectOf(request), props(request.getProperties())];
      const { id, outputs } = request.getPreview()
        ? { id: "", outputs: { ...unknown(standin.computed(subject.token).create), ...plain(inputs) } }
        : await standin.create(subject, plain(inputs));
      return new proto.CreateResponse().setId(id).setProperties(marked(subject.token, outputs, inputs));
    }),
    read: handler(async (request: proto.ReadRequest) => {
      const [subject, id] = [subjectOf(request), request.getId()];
      const [state, inputs] = [props(request.getProperties()), props(request.getInputs())];
      const found = standin.read
        ? await standin.read(subject, id, plain(state), plain(inputs))
        : { outputs: state, inputs };
      if (!found) return new proto.ReadResponse();
      return new proto.ReadResponse()
        .setId(id)
        .setProperties(marked(subject.token, found.outputs, state))
        .setInputs(toStruct(markSecrets(found.inputs, inputs)));
    }),
    update: handler(async (request: proto.UpdateRequest) => {
      const subject = subjectOf(request);
      const [inputs, state] = [props(request.getNews()), plain(props(request.getOlds()))];
      if (!standin.update) throw new Error(`${subject.token} is never updated, only replaced`);
      const outputs = request.getPreview()
        ? { ...state, ...plain(inputs), ...unknown(standin.computed(subject.token).update) }
        : await standin.update(subject, request.getId(), state, plain(inputs));
      return new proto.UpdateResponse().setProperties(marked(subject.token, outputs, inputs));
    }),
    delete: handler(async (request: proto.DeleteRequest) => {
      await standin.delete(subjectOf(request), request.getId(), plain(props(request.getProperties())));
      return new Empty();
    }),
    cancel: handler(() => new Empty()),
  };
}

/** Lines for the engine's log; the engine's address is the plugin's first argument. */
function engineLog(address: string | undefined) {
  const client = address ? new EngineClient(address, grpc.credentials.createInsecure()) : undefined;
  const severities = { status: engine.LogSeverity.INFO, warning: engine.LogSeverity.WARNING };
  return (severity: LogSeverity, urn: string, line: string): void => {
    const request = new engine.LogRequest().setSeverity(severities[severity]).setUrn(urn).setMessage(line);
    request.setEphemeral(severity === "status");
    // A line that the engine does not take is no reason to fail a resource.
    client?.log(request, () => undefined);
  };
}

/** Serves a stand-in; it ends when the engine is gone. */
export function serve(standin: Standin): void {
  const log = engineLog(process.argv.slice(2).find((argument) => !argument.startsWith("-")));
  listen(service.ResourceProviderService, handlers(standin, log));
  endWithParent();
}
