import { z } from "zod";

/** What the stack did, as its state says: `verify` compares this with what is there. */
export interface State {
  /** By container: LXD's id of it in each step that ran in it, and the SHA-256 of each file that the steps put in place. */
  readonly containers: Readonly<Record<string, ContainerState>>;
  readonly keys: readonly KeyState[];
  readonly rules: readonly RuleState[];
  readonly template?: TemplateState;
  /** The URN of the step that brings the stream under the template (components/logStore.ts). */
  readonly streamStep: string;
  readonly dataStream: string;
  readonly alertIndex: string;
  /** PEM. */
  readonly ca: string;
  readonly elasticPassword: string;
  /** Whether the stack delivers alerts to people. */
  readonly delivers: boolean;
}

export interface ContainerState {
  readonly uuids: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

/** An API key of an agent, or of something else in the container that is named. */
export interface KeyState {
  readonly urn: string;
  readonly name: string;
  readonly id: string;
  readonly container: string;
}

export interface RuleState {
  readonly urn: string;
  readonly id: string;
  readonly name: string;
}

export interface TemplateState {
  readonly urn: string;
  readonly name: string;
  readonly pipeline: string;
  /** As Elasticsearch writes it: "90d". */
  readonly retention: string;
}

const record = z.record(z.string(), z.unknown());
const exported = z.object({
  deployment: z
    .object({
      resources: z
        .array(z.object({ urn: z.string(), type: z.string(), outputs: record.optional() }))
        .optional(),
    })
    .nullable(),
});

type Resource = { readonly urn: string; readonly type: string; readonly outputs: Record<string, unknown> };

/**
 * Reads `pulumi stack export --show-secrets`. Throws where the stack was never brought up: a person's line, without
 * anything of the state in it.
 */
export function readState(json: string): State {
  const parsed = exported.safeParse(JSON.parse(json));
  const resources: Resource[] = (parsed.data?.deployment?.resources ?? []).map(({ urn, type, outputs }) => ({
    urn,
    type,
    outputs: opened(outputs ?? {}) as Record<string, unknown>,
  }));
  const ofType = (ending: string) => resources.filter(({ type }) => type.endsWith(ending));
  const outputs = ofType("pulumi:pulumi:Stack")[0]?.outputs ?? {};
  const commands = ofType("command:remote:Command");
  const lines = commands.map(({ outputs: { stdout } }) => jsonLines(text(stdout)));
  // Only of the step that says it: any container could print such a line.
  const [cluster] = commands.filter(({ urn }) => urn.endsWith("::elastic-cluster-info"));
  const ca = jsonLines(text(cluster?.outputs.stdout)).find((line) => typeof line.ca === "string")?.ca;
  const password = text(outputs.elasticPassword);
  if (typeof ca !== "string" || password === "") {
    throw new Error("this stack has not been brought up yet: there is nothing to verify; run 'pulumi up'");
  }
  return {
    containers: containersOf(lines),
    keys: ofType(":ElasticsearchSecurityApiKey").map(({ urn, outputs: key }) => ({
      urn,
      name: text(key.name),
      id: text(key.keyId),
      container: text(parsedJson(text(key.metadata)).container) || text(key.name),
    })),
    rules: ofType(":KibanaAlertingRule").map(({ urn, outputs: rule }) => ({
      urn,
      id: text(rule.ruleId),
      name: text(rule.name),
    })),
    template: ofType(":ElasticsearchIndexTemplate")
      .map(templateOf)
      .find(({ name }) => name === outputs.dataStream),
    streamStep: commands.find(({ urn }) => urn.endsWith("::logs-stream"))?.urn ?? "",
    dataStream: text(outputs.dataStream),
    alertIndex: text(outputs.alertIndex),
    ca,
    elasticPassword: password,
    delivers: ofType(":index:AlertRelay").length > 0,
  };
}

/** The stack's own files have such paths. Another one is of a container that hopes for a place in a command's line. */
const PATH = /^(\/[\w.@+-]+)+$/;

/** What the steps said of where they ran and what they wrote (scripts/in-container.sh, `print_manifest` in scripts/lib.sh). */
function containersOf(steps: readonly Record<string, unknown>[][]): Record<string, ContainerState> {
  const found: Record<string, { uuids: string[]; files: Record<string, string> }> = {};
  for (const lines of steps) {
    const where = lines.findLast((line) => "container" in line);
    if (where === undefined) continue;
    const container = (found[text(where.container)] ??= { uuids: [], files: {} });
    if (where.uuid !== "") container.uuids.push(text(where.uuid));
    for (const { file, sha256 } of lines)
      if (PATH.test(text(file))) container.files[text(file)] = text(sha256);
  }
  return found;
}

function templateOf({ urn, outputs }: Resource): TemplateState {
  const { settings, lifecycle } = (outputs.template ?? {}) as { settings?: unknown; lifecycle?: unknown };
  const { index } = parsedJson(text(settings)) as { index?: { final_pipeline?: unknown } };
  const { dataRetention } = (lifecycle ?? {}) as { dataRetention?: unknown };
  return {
    urn,
    name: text(outputs.name),
    pipeline: text(index?.final_pipeline),
    retention: text(dataRetention),
  };
}

function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map(parsedJson);
}

function parsedJson(json: string): Record<string, unknown> {
  try {
    return record.parse(JSON.parse(json));
  } catch {
    return {};
  }
}

/** Secrets of an export with --show-secrets, opened: their plaintext is JSON. */
export function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  if ("plaintext" in value) return JSON.parse(text(value.plaintext)) as unknown;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner)]));
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
