/** What the three stand-ins share: Pulumi's provider protocol over gRPC, with plain objects on the inside. */
import * as grpc from "@grpc/grpc-js";
import * as empty from "google-protobuf/google/protobuf/empty_pb";
import * as struct from "google-protobuf/google/protobuf/struct_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import * as service from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";

export type Props = Record<string, unknown>;

/** A resource's answer: its id, and what it adds to its inputs. Names in `secret` are marked so. */
export interface Made {
  readonly id: string;
  readonly outputs: Props;
  readonly secret?: readonly string[];
}

/** One stand-in. `token` is the resource's type; inputs arrive without secret marks. */
export interface Standin {
  configure?(config: Props): void;
  /** Inputs whose change means another resource. */
  replaceOn(token: string): readonly string[];
  create(token: string, inputs: Props, marks: { anySecret: boolean }): Promise<Made>;
  /** What is there now; undefined where it is gone. Without this, a refresh changes nothing. */
  read?(token: string, id: string, state: Props): Promise<Props | undefined>;
  update?(
    token: string,
    id: string,
    inputs: Props,
    state: Props,
    marks: { anySecret: boolean },
  ): Promise<Omit<Made, "id">>;
  delete(token: string, id: string, state: Props): Promise<void>;
}

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function isSecret(value: unknown): value is { value: unknown } {
  return typeof value === "object" && value !== null && (value as Props)[SIGNATURE] === SECRET;
}

/** A value without secret marks. */
export function plain(value: unknown): unknown {
  if (isSecret(value)) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function anySecret(value: unknown): boolean {
  return (
    isSecret(value) || (typeof value === "object" && value !== null && Object.values(value).some(anySecret))
  );
}

function markSecret(value: unknown): unknown {
  return isSecret(value) || value === undefined || value === null ? value : { [SIGNATURE]: SECRET, value };
}

/** Names of inputs that differ; an unknown one differs. */
export function changedInputs(olds: Props, news: Props): string[] {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)].filter((key) => !key.startsWith("__")));
  return [...keys].filter((key) => {
    const text = JSON.stringify(plain(news[key])) ?? "";
    return text.includes(UNKNOWN) || text !== (JSON.stringify(plain(olds[key])) ?? "");
  });
}

function tokenOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

type Call<T> = grpc.ServerUnaryCall<T, unknown>;
type Reply<T> = grpc.sendUnaryData<T>;

/** Turns a promise into an answer; an error's message is all that goes out. */
function answer<T>(reply: Reply<T>, work: () => Promise<T>): void {
  work().then(
    (value) => reply(null, value),
    (error: unknown) => {
      const details = error instanceof Error ? error.message : String(error);
      reply({
        code: grpc.status.UNKNOWN,
        details,
        message: details,
        name: "Error",
        metadata: new grpc.Metadata(),
      });
    },
  );
}

function toStruct(props: Props): struct.Struct {
  return struct.Struct.fromJavaScript(props as Record<string, struct.JavaScriptValue>);
}

function fromStruct(props: struct.Struct | undefined): Props {
  return (props?.toJavaScript() ?? {}) as Props;
}

function withMarks(inputs: Props, made: Omit<Made, "id">): Props {
  const secret = new Set(made.secret ?? []);
  const outputs = Object.entries(made.outputs).map(([key, value]) => [
    key,
    secret.has(key) ? markSecret(value) : value,
  ]);
  return { ...inputs, ...Object.fromEntries(outputs) } as Props;
}

/** Serves a stand-in on a loopback port of its own, which it prints for the engine, until it is ended. */
export function serve(standin: Standin, version: string): void {
  const handlers: Record<string, (call: never, reply: never) => void> = {
    parameterize: (call: Call<proto.ParameterizeRequest>, reply: Reply<proto.ParameterizeResponse>) =>
      answer(reply, async () => {
        const value = call.request.getValue();
        return new proto.ParameterizeResponse()
          .setName(value?.getName() ?? "")
          .setVersion(value?.getVersion() ?? "");
      }),
    getPluginInfo: (_call: unknown, reply: Reply<plugin.PluginInfo>) =>
      answer(reply, async () => new plugin.PluginInfo().setVersion(version)),
    checkConfig: (call: Call<proto.CheckRequest>, reply: Reply<proto.CheckResponse>) =>
      answer(reply, async () => new proto.CheckResponse().setInputs(call.request.getNews())),
    diffConfig: (call: Call<proto.DiffRequest>, reply: Reply<proto.DiffResponse>) =>
      answer(reply, async () =>
        diffResponse(
          changedInputs(fromStruct(call.request.getOldInputs()), fromStruct(call.request.getNews())),
          [],
        ),
      ),
    configure: (call: Call<proto.ConfigureRequest>, reply: Reply<proto.ConfigureResponse>) =>
      answer(reply, async () => {
        standin.configure?.(plain(fromStruct(call.request.getArgs())) as Props);
        return new proto.ConfigureResponse()
          .setAcceptsecrets(true)
          .setSupportspreview(false)
          .setAcceptoutputs(false)
          .setAcceptresources(false);
      }),
    check: (call: Call<proto.CheckRequest>, reply: Reply<proto.CheckResponse>) =>
      answer(reply, async () => new proto.CheckResponse().setInputs(call.request.getNews())),
    diff: (call: Call<proto.DiffRequest>, reply: Reply<proto.DiffResponse>) =>
      answer(reply, async () => {
        const { request } = call;
        const changed = changedInputs(fromStruct(request.getOldInputs()), fromStruct(request.getNews()));
        return diffResponse(changed, standin.replaceOn(tokenOf(request.getUrn())));
      }),
    create: (call: Call<proto.CreateRequest>, reply: Reply<proto.CreateResponse>) =>
      answer(reply, async () => {
        const inputs = fromStruct(call.request.getProperties());
        const made = await standin.create(tokenOf(call.request.getUrn()), plain(inputs) as Props, {
          anySecret: anySecret(inputs),
        });
        return new proto.CreateResponse().setId(made.id).setProperties(toStruct(withMarks(inputs, made)));
      }),
    read: (call: Call<proto.ReadRequest>, reply: Reply<proto.ReadResponse>) =>
      answer(reply, async () => {
        const { request } = call;
        const response = new proto.ReadResponse().setInputs(request.getInputs());
        const state = fromStruct(request.getProperties());
        const found = standin.read
          ? await standin.read(tokenOf(request.getUrn()), request.getId(), plain(state) as Props)
          : {};
        if (found === undefined) return response;
        return response.setId(request.getId()).setProperties(toStruct({ ...state, ...found }));
      }),
    update: (call: Call<proto.UpdateRequest>, reply: Reply<proto.UpdateResponse>) =>
      answer(reply, async () => {
        const { request } = call;
        const inputs = fromStruct(request.getNews());
        const state = plain(fromStruct(request.getOlds())) as Props;
        if (!standin.update) throw new Error(`${tokenOf(request.getUrn())} cannot be updated`);
        const made = await standin.update(
          tokenOf(request.getUrn()),
          request.getId(),
          plain(inputs) as Props,
          state,
          {
            anySecret: anySecret(inputs),
          },
        );
        return new proto.UpdateResponse().setProperties(toStruct(withMarks(inputs, made)));
      }),
    delete: (call: Call<proto.DeleteRequest>, reply: Reply<empty.Empty>) =>
      answer(reply, async () => {
        const { request } = call;
        await standin.delete(
          tokenOf(request.getUrn()),
          request.getId(),
          plain(fromStruct(request.getProperties())) as Props,
        );
        return new empty.Empty();
      }),
    cancel: (_call: unknown, reply: Reply<empty.Empty>) => answer(reply, async () => new empty.Empty()),
  };
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  const definition = service.ResourceProviderService as unknown as grpc.ServiceDefinition;
  server.addService(definition, handlers as unknown as grpc.UntypedServiceImplementation);
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(String(port));
  });
}

function diffResponse(changed: readonly string[], replaceOn: readonly string[]): proto.DiffResponse {
  const kinds = proto.DiffResponse.DiffChanges;
  const replaces = changed.filter((key) => replaceOn.includes(key));
  return new proto.DiffResponse()
    .setChanges(changed.length > 0 ? kinds.DIFF_SOME : kinds.DIFF_NONE)
    .setDiffsList([...changed])
    .setReplacesList(replaces);
}
