/** What the SIEM's watch over itself expects (scripts/siem-watch.py): computed from what the stack deploys, no server is asked. */
import { createHash } from "node:crypto";
import type { Site } from "../config/site";
import { stableJson } from "../core/json";
import {
  agentKeyName,
  ENGINEER,
  ENGINEER_ROLE,
  healthKeyName,
  OPERATOR,
  OPERATOR_ROLE,
  RELAY_KEY,
  RULES_ROLE,
  RULES_USER,
  WATCH_KEY,
} from "../core/names";
import type { Detection } from "../detections/detection";
import { type Pipeline, renderPipelines } from "../pipelines";
import {
  renderEngineerRole,
  type RenderedRole,
  renderOperatorRole,
  renderRulesRole,
  type RoleTarget,
} from "./roles";
import { renderRule } from "./rule";

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

/** What of a stack the watch compares. */
export interface WatchedStack {
  readonly site: Site;
  /** Whether the stack has an account for an engineer. */
  readonly hasEngineer: boolean;
  /** Whether the stack has a relay, whose key is watched too. */
  readonly hasRelay: boolean;
  readonly detections: readonly Detection[];
  readonly namespace: string;
  readonly target: RoleTarget;
}

/** Returns what the watch expects of a stack: all that the stack deploys into Elasticsearch and Kibana. */
export function renderStackWatch(stack: WatchedStack): object {
  const { site, hasEngineer, detections, target } = stack;
  const pipelines = renderPipelines(stack.namespace);
  return renderWatch({
    rules: detections.filter(({ enabled }) => enabled).map((one) => renderRule(one, target)),
    rulesUser: RULES_USER,
    savers: [RULES_USER, ...(hasEngineer ? [ENGINEER] : [])],
    users: {
      [OPERATOR]: OPERATOR_ROLE,
      [RULES_USER]: RULES_ROLE,
      ...(hasEngineer && { [ENGINEER]: ENGINEER_ROLE }),
    },
    roles: {
      [OPERATOR_ROLE]: renderOperatorRole(target),
      [RULES_ROLE]: renderRulesRole(target),
      ...(hasEngineer && { [ENGINEER_ROLE]: renderEngineerRole(target) }),
    },
    keys: [
      ...site.agents.map(({ name }) => agentKeyName(name)),
      healthKeyName(site.siem.name),
      WATCH_KEY,
      ...(stack.hasRelay ? [RELAY_KEY] : []),
    ],
    pipelines: [...pipelines.logs, pipelines.alerts],
    indexPipelines: {
      [target.dataStream]: { "index.final_pipeline": pipelines.entry },
      [target.alertIndex]: { "index.default_pipeline": pipelines.alerts.name },
    },
  });
}
