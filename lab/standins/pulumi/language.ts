/**
 * The stand-in for Pulumi's language host for Node.js, used where Pulumi's own download cannot be had (its source is
 * in no package registry). Like Pulumi's, it starts the SDK's own runner with the engine's arguments. So `pulumi up` runs the
 * lab's stack in the same way as an operator's. It has no debugger and installs nothing.
 */
import { spawn } from "node:child_process";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as service from "@pulumi/pulumi/proto/language_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/language_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import { endWithParent, handler, listen } from "./grpc";

/** The runner's exit code if it has shown the error already (`@pulumi/pulumi/cmd/run`). */
const SHOWN_ALREADY = 32;

let engineAddress = process.argv.slice(2).find((argument) => !argument.startsWith("-")) ?? "";
let running: ReturnType<typeof spawn> | undefined;

/** Runs the program until it ends. The engine shows its output, which is this process's output. */
function run(request: proto.RunRequest): Promise<proto.RunResponse> {
  const info = request.getInfo();
  if (info === undefined) throw new Error("the engine did not say where the program is");
  const folder = info.getProgramDirectory();
  const options = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info.getRootDirectory(),
    stack: request.getStack(),
    pwd: folder,
    parallel: String(request.getParallel()),
  };
  const child = spawn(
    process.execPath,
    [
      require.resolve("@pulumi/pulumi/cmd/run", { paths: [folder] }),
      ...Object.entries(options).flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value])),
      ...(request.getDryrun() ? ["--dry-run"] : []),
      info.getEntryPoint(),
    ],
    {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ...programEnvironment(request, info) },
    },
  );
  running = child;
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const response = new proto.RunResponse();
      if (code === SHOWN_ALREADY) response.setBail(true);
      else if (code !== 0) response.setError(`the program ended with ${signal ?? `exit code ${code}`}`);
      resolve(response);
    });
  });
}

/** Returns the config as the SDK's runner reads it (`project:config:key`), and the runtime option `tsconfig` of Pulumi.yaml. */
function programEnvironment(request: proto.RunRequest, info: proto.ProgramInfo): NodeJS.ProcessEnv {
  const { tsconfig } = (info.getOptions()?.toJavaScript() ?? {}) as { tsconfig?: string };
  const config: Record<string, string> = {};
  for (const [key, value] of request.getConfigMap().toArray()) {
    const [namespace = "", name = ""] = key.split(/:(?:config:)?/);
    config[`${namespace}:config:${name}`] = value;
  }
  return {
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    PULUMI_NODEJS_TYPESCRIPT: "true",
    ...(tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig }),
  };
}

listen(service.LanguageRuntimeService, {
  handshake: handler((request: proto.LanguageHandshakeRequest) => {
    engineAddress = request.getEngineAddress();
    return new proto.LanguageHandshakeResponse();
  }),
  getPluginInfo: handler(() => new plugin.PluginInfo().setVersion("3.248.0")),
  // The plugins on the PATH are used, whatever the program's packages name.
  getRequiredPackages: handler(() => new proto.GetRequiredPackagesResponse()),
  getRequiredPlugins: handler(() => new proto.GetRequiredPluginsResponse()),
  run: handler(run),
  cancel: handler(() => {
    running?.kill("SIGINT");
    return new Empty();
  }),
});
endWithParent(() => running?.kill());
