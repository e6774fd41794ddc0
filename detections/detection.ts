import type { Severity } from "../core/values";
import type { DetectionTests } from "./schema";

/** How a count is compared with a threshold. */
export type Comparator = ">=" | ">" | "<=" | "<";

/** Which events match: the detection of a Sigma rule, as pySigma converts it into two query languages. */
export interface Condition {
  readonly lucene: string;
  readonly esql: string;
}

/** A time span as Kibana writes it. */
export interface Window {
  readonly size: number;
  readonly unit: "s" | "m" | "h" | "d";
}

/** A threshold, such as ">= 3". */
export interface Limit {
  readonly comparator: Comparator;
  readonly threshold: number;
}

/** One of several types of events that must all occur. */
export interface Part extends Limit {
  readonly condition: Condition;
}

/** What raises an alert. The last two cases need ES|QL. */
export type Logic =
  /** Each event. */
  | { readonly kind: "event"; readonly condition: Condition }
  /** A number of events, counted for each value of `by`. */
  | ({
      readonly kind: "count";
      readonly condition: Condition;
      readonly by: readonly string[];
      readonly window: Window;
    } & Limit)
  /** A number of different values of `field`, counted for each value of `by`. */
  | ({
      readonly kind: "distinct";
      readonly condition: Condition;
      readonly field: string;
      readonly by: readonly string[];
      readonly window: Window;
    } & Limit)
  /** Events of every part, for the same value of `by`. `ordered`: an event of the last part follows one of the first. */
  | {
      readonly kind: "together";
      readonly parts: readonly Part[];
      readonly by: readonly string[];
      readonly window: Window;
      readonly ordered: boolean;
    };

/** A rule with its query, threshold, severity, tags, note and test cases. */
export interface Detection {
  /** A UUID that is never reused. Kibana's rule has it too. */
  readonly id: string;
  /** The file's name without `.yml`. If the detection watches one container for silence, `-CONTAINER` follows. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly severity: Severity;
  /** Sigma's tags, including those of ATT&CK, such as "attack.t1110.001". */
  readonly tags: readonly string[];
  readonly falsePositives: readonly string[];
  /** Tells the analyst what to look at and what to do. */
  readonly note: string;
  /** The fields that identify the subject of an alert, such as user.name. */
  readonly entity: readonly string[];
  readonly enabled: boolean;
  readonly logic: Logic;
  /** The machine types that it watches for silence. Default: every type. */
  readonly containers?: readonly string[];
  /** If it watches one container for silence: the id of the detection that it was made from. */
  readonly origin?: string;
  /** If it watches one container for silence: the container's name. */
  readonly watched?: string;
  readonly tests: DetectionTests;
}

/** Returns whether a rule in Elasticsearch's query DSL can express the detection. If not, it needs ES|QL and is off by default. */
export function isInQueryDsl({ logic }: Pick<Detection, "logic">): boolean {
  return logic.kind === "event" || logic.kind === "count";
}

/** Returns whether it fires if there are too few events. Such a rule cannot be grouped: a group without events does not exist. */
export function watchesSilence(detection: Detection): boolean {
  return detection.logic.kind === "count" && detection.logic.comparator.startsWith("<");
}
