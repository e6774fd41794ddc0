/**
 * What the three stand-ins share: Pulumi's provider protocol over gRPC, as functions of plain objects.
 * (`main` of `@pulumi/pulumi/provider` does not pass on the provider's configuration and does not support previews.)
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
  /** Shows a message. A status is on the screen until the next one or the end of the step; a warning stays. */
  log(severity: LogSeverity, message: string): void;
}

export interface Change {
  /** The names of the changed properties; nested ones as "dataView.title". */
  readonly changed: readonly string[];
  /** Those whose change replaces the resource. */
  readonly replaces: readonly string[];
  /** Whether the old resource is deleted before the new one is created, because both would have the same name. Default: no. */
  readonly deleteFirst?: boolean;
}

/** A resource as it was created. `outputs` contain the inputs too. */
export interface Made {
  readonly id: string;
  readonly outputs: Props;
}

/**
 * A stand-in for one provider. Inputs and states have no secret marks (except in `check`) and no unknown values (except in
 * `check` and `diff`), because a preview never calls `create` and `update`.
 */
export interface Standin {
  readonly version: string;
  parameterize?(value: string): void;
  configure?(config: Props): void;
  /** Returns the inputs with defaults and secret marks. Throws if an input is wrong. Default: the inputs as they are. */
  check?(token: string, news: Props): Props;
  diff(token: string, state: Props, olds: Props, news: Props): Change;
  /** Returns the outputs that are unknown in a preview: those that a creation computes, and those that an update computes again. */
  computed(token: string): { readonly create: readonly string[]; readonly update?: readonly string[] };
  /** Returns the outputs that are always secret. */
  secrets(token: string): readonly string[];
  create(subject: Subject, inputs: Props): Promise<Made>;
  /** Returns the resource's real state and the inputs that match it; undefined if it does not exist. Default: a refresh changes nothing. */
  read?(
    subject: Subject,
    id: string,
    state: Props,
    inputs: Props,
  ): Promise<{ readonly outputs: Props; readonly inputs: Props } | undefined>;
  update?(subject: Subject, id: string, state: Props, inputs: Props): Promise<Props>;
  delete(subject: Subject, id: string, state: Props): Promise<void>;
}

/**
 * Returns the change between two sets of inputs: the names of those that differ (an unknown value differs), and which of them
 * are in `replaceOn`.
 */
export function inputChange(olds: Props, news: Props, replaceOn: readonly string[]): Change {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)].filter((key) => !key.startsWith("__")));
  const changed = [...keys].filter((key) => stableJson(news[key]) !== stableJson(olds[key]));
  return { changed, replaces: changed.filter((key) => replaceOn.includes(key)) };
}

/** Throws if a program gives inputs that the stand-in does not know, because otherwise they would be ignored silently. */
export function refuse(what: string, given: readonly string[], known: readonly string[] = []): void {
  const foreign = given.filter((name) => !known.includes(name));
  if (foreign.length > 0) throw new Error(`the stand-in does not know ${foreign.join(", ")} of ${what}`);
}

function props(struct: Struct | undefined): Props {
  return struct?.toJavaScript() ?? {};
}

function toStruct(value: Props): Struct {
  // A Struct cannot contain `undefined` at any depth.
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
  // Like Pulumi's bridge: a preview shows only what changes in a large object.
  response.setHasdetaileddiff(true);
  for (const path of changed) {
    const kind = replaces.includes(path) ? UPDATE_REPLACE : UPDATE;
    response.getDetaileddiffMap().set(path, new proto.PropertyDiff().setKind(kind).setInputdiff(true));
  }
  return response;
}

/** Returns the first keys of paths, each once. */
function topLevel(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.split(".", 1)[0] ?? ""))];
}

/** Returns a resource's type from its URN: the last part of its qualified type. */
function tokenOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** Returns the handlers of Pulumi's ResourceProvider service for a stand-in; `log` sends lines to the engine. */
function handlers(standin: Standin, log: (severity: LogSeverity, urn: string, line: string) => void) {
  const subjectOf = (request: { getUrn(): string }): Subject => ({
    token: tokenOf(request.getUrn()),
    name: request.getUrn().split("::").slice(3).join("::"),
    log: (severity, line) => log(severity, request.getUrn(), line),
  });
  const unknown = (names: readonly string[] = []) => Object.fromEntries(names.map((name) => [name, UNKNOWN]));
  /** Returns outputs for the engine. An output is secret if the input (or state) that it comes from is secret. */
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
    // Exactly what the engine sent: anything else would be a change of the provider in the next update.
    checkConfig: handler((request: proto.CheckRequest) =>
      new proto.CheckResponse().setInputs(request.getNews()),
    ),
    // Not the version: for a program without a language host, the engine first sends the parameter's version, later the plugin's.
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

/** Returns a function that writes to the engine's log; the engine's address is the plugin's first argument. */
function engineLog(address: string | undefined) {
  const client = address ? new EngineClient(address, grpc.credentials.createInsecure()) : undefined;
  const severities = { status: engine.LogSeverity.INFO, warning: engine.LogSeverity.WARNING };
  return (severity: LogSeverity, urn: string, line: string): void => {
    const request = new engine.LogRequest().setSeverity(severities[severity]).setUrn(urn).setMessage(line);
    request.setEphemeral(severity === "status");
    // A resource must not fail because the engine refuses a log line.
    client?.log(request, () => undefined);
  };
}

/** Serves a stand-in until the engine ends. */
export function serve(standin: Standin): void {
  const log = engineLog(process.argv.slice(2).find((argument) => !argument.startsWith("-")));
  listen(service.ResourceProviderService, handlers(standin, log));
  endWithParent();
}
