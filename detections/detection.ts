import type { Severity } from "../core/values";
import type { DetectionTests } from "./schema";

export type Comparator = ">=" | ">" | "<=" | "<";

/** Which events: a Sigma rule's detection as pySigma converts it. */
export interface Condition {
  readonly lucene: string;
  readonly esql: string;
}

/** A time span as Kibana writes it. */
export interface Window {
  readonly size: number;
  readonly unit: "s" | "m" | "h" | "d";
}

export interface Limit {
  readonly comparator: Comparator;
  readonly threshold: number;
}

/** One kind of event of several that have to come together. */
export interface Part extends Limit {
  readonly condition: Condition;
}

/** What raises an alert. The last two only ES|QL can say. */
export type Logic =
  /** each event */
  | { readonly kind: "event"; readonly condition: Condition }
  /** so many events, of each value of `by` */
  | ({
      readonly kind: "count";
      readonly condition: Condition;
      readonly by: readonly string[];
      readonly window: Window;
    } & Limit)
  /** so many different values of `field`, for each value of `by` */
  | ({
      readonly kind: "distinct";
      readonly condition: Condition;
      readonly field: string;
      readonly by: readonly string[];
      readonly window: Window;
    } & Limit)
  /** each part's events, for one value of `by`; `ordered`: the last part's after the first's */
  | {
      readonly kind: "together";
      readonly parts: readonly Part[];
      readonly by: readonly string[];
      readonly window: Window;
      readonly ordered: boolean;
    };

export interface Detection {
  /** A UUID, never reused: Kibana's id of the rule. */
  readonly id: string;
  /** The file's name without `.yml`; with the container's behind it where a detection watches each container. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly severity: Severity;
  /** Sigma's, ATT&CK's among them: "attack.t1110.001". */
  readonly tags: readonly string[];
  readonly falsePositives: readonly string[];
  /** For the analyst: what to look at, what to do. */
  readonly note: string;
  /** The fields that say whom or what an alert is about. */
  readonly entity: readonly string[];
  readonly enabled: boolean;
  readonly logic: Logic;
  /** The types of containers that it watches for silence; every type where there is none. */
  readonly containers?: readonly string[];
  /** The id of the detection that it was made of, where it watches one container for silence. */
  readonly origin?: string;
  /** The one container that it watches for silence, where it does. */
  readonly watched?: string;
  readonly tests: DetectionTests;
}

/** Whether a rule can say it without ES|QL. Others are shipped off. */
export function saidInDsl({ logic }: Pick<Detection, "logic">): boolean {
  return logic.kind === "event" || logic.kind === "count";
}

/** Whether it fires on fewer than so many events: such a rule cannot be grouped, as it would not see what is not there. */
export function watchesSilence(detection: Detection): boolean {
  return detection.logic.kind === "count" && detection.logic.comparator.startsWith("<");
}
