/** What the SIEM's watch over itself expects (scripts/siem-watch.py): computed from what the stack deploys, no server is asked. */
import { createHash } from "node:crypto";
import { stableJson } from "../core/json";
import type { Pipeline } from "../pipelines";
import type { RenderedRole } from "./roles";

export interface WatchInput {
  /** Each rule's id, and its name in Kibana. */
  readonly rules: readonly { readonly ruleId: string; readonly name: string }[];
  /** The user that the stack saves rules as. */
  readonly rulesUser: string;
  /** Users who may save rules, the rules' user included: Kibana makes API keys in their names. */
  readonly savers: readonly string[];
  /** Each user of the stack, with its role. */
  readonly users: Readonly<Record<string, string>>;
  readonly roles: Readonly<Record<string, RenderedRole>>;
  /** The names of API keys, without their period. */
  readonly keys: readonly string[];
  readonly pipelines: readonly Pipeline[];
  /** The data stream and the alert index, with the pipelines in their settings. */
  readonly indexPipelines: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Returns the expectation as plain data. Nothing in it is secret. */
export function renderWatch(input: WatchInput): object {
  const { rules, users, roles, pipelines, ...rest } = input;
  return {
    ...rest,
    rules: Object.fromEntries(rules.map(({ ruleId, name }) => [ruleId, name])),
    users: Object.fromEntries(Object.entries(users).map(([user, role]) => [user, [role]])),
    roles: Object.fromEntries(Object.entries(roles).map(([name, role]) => [name, rightsOf(role)])),
    pipelines: Object.fromEntries(pipelines.map((pipeline) => [pipeline.name, pipelineHash(pipeline)])),
  };
}

/** A role's rights as `rights` of siem-watch.py gives them. */
function rightsOf({ clusters, indices, features }: RenderedRole): object {
  const entries = indices.map(({ names, privileges }) => [[...names].sort(), [...privileges].sort()]);
  return {
    cluster: [...clusters].sort(),
    indices: entries.sort((a, b) => (stableJson(a) < stableJson(b) ? -1 : 1)),
    kibana: Object.entries(features)
      .map(([name, privilege]) => `feature_${name}.${privilege}`)
      .sort(),
  };
}

/** The SHA-256 of a pipeline's processors as Elasticsearch gives them back, with sorted keys. */
export function pipelineHash({ processors, onFailure }: Pipeline): string {
  const parse = (texts: readonly string[]) => texts.map((text) => JSON.parse(text) as unknown);
  const content = {
    processors: parse(processors),
    ...(onFailure.length > 0 && { on_failure: parse(onFailure) }),
  };
  return createHash("sha256").update(stableJson(content)).digest("hex");
}
