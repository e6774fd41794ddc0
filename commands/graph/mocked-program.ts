import * as pulumi from "@pulumi/pulumi";
import type { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import * as settings from "@pulumi/pulumi/runtime/settings";

/** A resource that the mocked program registered. Each reference is the name of the other resource. */
export interface GraphResource {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly parent: string;
  readonly provider: string;
  readonly dependsOn: readonly string[];
  readonly deletedWith: string;
  readonly replaceWith: readonly string[];
  readonly ignoreChanges: readonly string[];
  readonly replacementTrigger: unknown;
  readonly protect: boolean;
  readonly deleteBeforeReplace: boolean;
  /** Secrets are readable here, because the mocks give them values such as `[secret credentials-elastic]`. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Names of the inputs that are secret or contain a secret. */
  readonly secretInputs: readonly string[];
}

/** The resources and outputs of a program. */
export interface Graph {
  /** Sorted by name. */
  readonly resources: readonly GraphResource[];
  readonly outputs: unknown;
  /** Names of the stack's outputs that are secret or contain a secret. */
  readonly secretOutputs: readonly string[];
}

const PROJECT = "dhis2-siem";
/** The default time of a graph, in milliseconds since 1970. It is fixed, because the API keys depend on the date. */
export const GRAPH_TIME = Date.UTC(2026, 0, 1);
const CA = "-----BEGIN CERTIFICATE-----\n[the CA]\n-----END CERTIFICATE-----\n";

/**
 * Runs a program with mocks, without a host, engine or provider, and returns its graph.
 * @param config the stack's values, by keys without a namespace
 * @param secretKeys the keys whose values are marked as secret
 * @param at the time, in milliseconds since 1970
 */
export async function collectGraph(
  program: () => unknown,
  config: Readonly<Record<string, string>>,
  secretKeys: readonly string[] = [],
  at = GRAPH_TIME,
): Promise<Graph> {
  const namespaced = Object.entries(config).map(([key, value]) => [`${PROJECT}:${key}`, value] as const);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(namespaced),
    secretKeys.map((key) => `${PROJECT}:${key}`),
  );
  // The SDK keeps a stack trace for each of its thousands of promises. Mapping the traces to the sources took half the time.
  const { now } = Date;
  Date.now = () => at;
  const errors: { prepareStackTrace?: unknown } = Error;
  const { prepareStackTrace } = errors;
  errors.prepareStackTrace = undefined;
  try {
    const recorded = await mockEngine();
    const outputs = await settled((await program()) as Record<string, unknown>);
    await (settings as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
    return {
      resources: recorded.sort((a, b) => (a.name < b.name ? -1 : 1)),
      outputs: outputs.value,
      secretOutputs: outputs.secrets,
    };
  } finally {
    Date.now = now;
    errors.prepareStackTrace = prepareStackTrace;
  }
}

/** Returns a program's result with its outputs resolved, and the names of its parts that are secret or contain a secret. */
async function settled(result: Record<string, unknown>): Promise<{ value: unknown; secrets: string[] }> {
  const value: Record<string, unknown> = {};
  const secrets: string[] = [];
  for (const [key, part] of Object.entries(result).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const output: pulumi.Output<unknown> = pulumi.output(part);
    if (await pulumi.isSecret(output)) secrets.push(key);
    value[key] = await new Promise((resolve) => output.apply(resolve));
  }
  return { value, secrets };
}

/** The methods of a RegisterResourceRequest that are used here (its class is not exported). */
interface Registration {
  getType(): string;
  getName(): string;
  getCustom(): boolean;
  getParent(): string;
  getProvider(): string;
  getDependenciesList(): string[];
  getDeletedwith(): string;
  getReplaceWithList(): string[];
  getIgnorechangesList(): string[];
  getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
  getProtect(): boolean;
  getDeletebeforereplace(): boolean;
  getObject(): { toJavaScript(): Record<string, unknown> };
}

/** Replaces the engine by Pulumi's mocks. Returns a list to which each registration is added, with facts that the mocks leave out. */
async function mockEngine(): Promise<GraphResource[]> {
  const recorded: GraphResource[] = [];
  const mocks: pulumi.runtime.Mocks = {
    call: (args) => args.inputs as Record<string, unknown>,
    newResource: mockedState,
  };
  await pulumi.runtime.setMocks(mocks, PROJECT, "graph", true);
  const monitor = settings.getMonitor() as unknown as MockMonitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: Registration, callback) => {
    if (request.getType() !== "pulumi:pulumi:Stack") recorded.push(record(request));
    return register(request, callback);
  };
  return recorded;
}

function record(request: Registration): GraphResource {
  const wire = request.getObject().toJavaScript();
  return {
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    parent: nameOf(request.getParent()),
    provider: nameOf(request.getProvider().split("::").slice(0, 4).join("::")),
    dependsOn: request.getDependenciesList().map(nameOf).sort(),
    deletedWith: nameOf(request.getDeletedwith()),
    replaceWith: request.getReplaceWithList().map(nameOf).sort(),
    ignoreChanges: request.getIgnorechangesList(),
    replacementTrigger: request.getReplacementTrigger()?.toJavaScript(),
    protect: request.getProtect(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    inputs: openSecrets(wire) as Record<string, unknown>,
    secretInputs: Object.keys(wire)
      .filter((key) => holdsSecret(wire[key]))
      .sort(),
  };
}

function nameOf(urn: string): string {
  return urn === "" ? "" : (urn.split("::")[3] ?? urn);
}

const SIGNATURE = pulumi.runtime.specialSigKey;

function isSecret(value: unknown): value is { value: unknown } {
  return (
    typeof value === "object" &&
    value !== null &&
    (value as Record<string, unknown>)[SIGNATURE] === pulumi.runtime.specialSecretSig
  );
}

function holdsSecret(value: unknown): boolean {
  if (isSecret(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsSecret);
}

function openSecrets(value: unknown): unknown {
  if (isSecret(value)) return openSecrets(value.value);
  if (Array.isArray(value)) return value.map(openSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, openSecrets(item)]));
}

/** Returns a resource's state under the mocks: its inputs, and the values that its provider computes. Secrets are marked. */
function mockedState(args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
  const made = Object.entries(mockedOutputs(args.type, args.name)).map(([key, value]) => [
    key,
    key === "result" || key === "apiKey" ? pulumi.secret(value) : value,
  ]);
  return {
    id: `[id ${args.name}]`,
    state: { ...(args.inputs as Record<string, unknown>), ...(Object.fromEntries(made) as object) },
  };
}

/** Returns readable values in place of those that the provider computes for a resource of this type. */
export function mockedOutputs(type: string, name: string): Record<string, unknown> {
  switch (type.split(":").at(-1) ?? "") {
    case "RandomPassword":
      return { result: `[secret ${name}]` };
    case "Command":
      // The same lines that the real steps print: the step's result, then the container that it ran in.
      return {
        stdout: [
          { ca: CA, fingerprint: "[the CA's fingerprint]", clusterUuid: "[the cluster's id]" },
          { container: "[the container]", uuid: "[its uuid]" },
        ]
          .map((line) => JSON.stringify(line))
          .join("\n"),
      };
    case "ElasticsearchSecurityApiKey":
      return { keyId: `[id ${name}]`, apiKey: `[secret ${name}]`, expirationTimestamp: 1 };
    case "KibanaActionConnector":
      return { connectorId: `[id ${name}]` };
    case "KibanaImportSavedObjects":
      return { success: true, errors: [] };
    default:
      return {};
  }
}
