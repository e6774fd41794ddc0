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
import { endWithParent, handler, listen } from "./grpc";
import { hasUnknown, markSecrets, plain, type Props, stable, UNKNOWN } from "./marks";

/** The resource that a call is about. */
export interface Subject {
  /** Its type, such as "random:index/randomUuid:RandomUuid". */
  readonly token: string;
  readonly name: string;
  log(severity: "info" | "warning", message: string): void;
}

export interface Checked {
  /** The inputs with defaults and marks of secrets added; without it, as they came. */
  readonly inputs?: Props;
  readonly failures?: readonly { readonly property: string; readonly reason: string }[];
}

export interface Change {
  /** Names of properties, nested ones as "dataView.title". */
  readonly changed: readonly string[];
  /** Those of them that make another resource. */
  readonly replaces: readonly string[];
  /** The old resource has to go first, because both would have the same name. */
  readonly deleteFirst?: boolean;
}

/**
 * One stand-in. Inputs and states come without marks of secrets (but for `check`), and without unknown values (but for
 * `check` and `diff`): a preview never reaches `create` and `update`.
 */
export interface Standin {
  readonly version: string;
  parameterize?(name: string, version: string, value: string): void;
  configure?(config: Props): void;
  check?(token: string, news: Props): Checked;
  diff(token: string, state: Props, olds: Props, news: Props): Change;
  /** Outputs that are no inputs and so unknown in the preview of a creation; `update` those that an update makes anew. */
  computed(token: string): { readonly create: readonly string[]; readonly update?: readonly string[] };
  /** Outputs that are always secret. */
  secrets(token: string): readonly string[];
  /** `outputs` hold the inputs too. */
  create(subject: Subject, inputs: Props): Promise<{ readonly id: string; readonly outputs: Props }>;
  /** What is there now; undefined where it is gone. Without it a refresh changes nothing. */
  read?(
    subject: Subject,
    id: string,
    state: Props,
    inputs: Props,
  ): Promise<{ readonly outputs: Props; readonly inputs: Props } | undefined>;
  update?(subject: Subject, id: string, state: Props, inputs: Props): Promise<Props>;
  delete(subject: Subject, id: string, state: Props): Promise<void>;
}

/** The change where every input counts as it is: names of those that differ, and of those in `replaceOn`. */
export function inputChange(olds: Props, news: Props, replaceOn: readonly string[]): Change {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)].filter((key) => !key.startsWith("__")));
  const changed = [...keys].filter((key) => hasUnknown(news[key]) || stable(news[key]) !== stable(olds[key]));
  return { changed, replaces: changed.filter((key) => replaceOn.includes(key)) };
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
  return new proto.DiffResponse()
    .setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setDiffsList([...changed])
    .setReplacesList([...replaces])
    .setDeletebeforereplace(deleteFirst);
}

/** The handlers of Pulumi's ResourceProvider service for a stand-in; `log` carries lines to the engine. */
function handlers(standin: Standin, log: (severity: "info" | "warning", urn: string, line: string) => void) {
  const subject = (urn: string): Subject => ({
    token: tokenOf(urn),
    name: urn.split("::").slice(3).join("::"),
    log: (severity, line) => log(severity, urn, line),
  });
  const unknown = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, UNKNOWN]));
  return {
    getPluginInfo: handler(() => new plugin.PluginInfo().setVersion(standin.version)),
    parameterize: handler((request: proto.ParameterizeRequest) => {
      const value = request.getValue();
      const [name, version] = [value?.getName() ?? "", value?.getVersion() ?? ""];
      if (!standin.parameterize || !value) throw new Error("this stand-in takes no such parameter");
      standin.parameterize(name, version, Buffer.from(value.getValue_asU8()).toString());
      return new proto.ParameterizeResponse().setName(name).setVersion(version);
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
      const { inputs = news, failures = [] } = standin.check?.(tokenOf(request.getUrn()), news) ?? {};
      const refused = failures.map(({ property, reason }) =>
        new proto.CheckFailure().setProperty(property).setReason(reason),
      );
      return new proto.CheckResponse().setInputs(toStruct(inputs)).setFailuresList(refused);
    }),
    diff: handler((request: proto.DiffRequest) =>
      diffResponse(
        standin.diff(
          tokenOf(request.getUrn()),
          plain(props(request.getOlds())),
          plain(props(request.getOldInputs())),
          plain(props(request.getNews())),
        ),
      ),
    ),
    create: handler(async (request: proto.CreateRequest) => {
      const about = subject(request.getUrn());
      const inputs = props(request.getProperties());
      const { id, outputs } = request.getPreview()
        ? { id: "", outputs: { ...unknown(standin.computed(about.token).create), ...plain(inputs) } }
        : await standin.create(about, plain(inputs));
      const marked = markSecrets(outputs, inputs, standin.secrets(about.token));
      return new proto.CreateResponse().setId(id).setProperties(toStruct(marked));
    }),
    read: handler(async (request: proto.ReadRequest) => {
      const about = subject(request.getUrn());
      const [state, inputs] = [props(request.getProperties()), props(request.getInputs())];
      const found = standin.read
        ? await standin.read(about, request.getId(), plain(state), plain(inputs))
        : { outputs: state, inputs };
      if (!found) return new proto.ReadResponse();
      const outputs = markSecrets(found.outputs, state, standin.secrets(about.token));
      return new proto.ReadResponse()
        .setId(request.getId())
        .setProperties(toStruct(outputs))
        .setInputs(toStruct(markSecrets(found.inputs, inputs)));
    }),
    update: handler(async (request: proto.UpdateRequest) => {
      const about = subject(request.getUrn());
      const [inputs, state] = [props(request.getNews()), plain(props(request.getOlds()))];
      if (!standin.update) throw new Error(`${about.token} is never updated, only replaced`);
      const outputs = request.getPreview()
        ? { ...state, ...plain(inputs), ...unknown(standin.computed(about.token).update ?? []) }
        : await standin.update(about, request.getId(), state, plain(inputs));
      return new proto.UpdateResponse().setProperties(
        toStruct(markSecrets(outputs, inputs, standin.secrets(about.token))),
      );
    }),
    delete: handler(async (request: proto.DeleteRequest) => {
      await standin.delete(subject(request.getUrn()), request.getId(), plain(props(request.getProperties())));
      return new Empty();
    }),
    cancel: handler(() => new Empty()),
  };
}

/** The type of a resource from its URN: the last part of its qualified type. */
function tokenOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** Lines for the engine's log; the engine's address is the plugin's first argument. */
function engineLog(address: string | undefined) {
  const client = address ? new EngineClient(address, grpc.credentials.createInsecure()) : undefined;
  const severities = { info: engine.LogSeverity.INFO, warning: engine.LogSeverity.WARNING };
  return (severity: "info" | "warning", urn: string, line: string): void => {
    const request = new engine.LogRequest().setSeverity(severities[severity]).setUrn(urn).setMessage(line);
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
