import type { Delivery } from "../config/delivery";
import { printPath, printable } from "../core/problem";
import { derivedId } from "./derived-id";
import { floodWatch } from "./flood";
import { type Detection, type Logic, watchesSilence } from "./detection";

/** The changes that a site makes to one detection without editing its file. */
export interface DetectionSettings {
  readonly enabled?: boolean;
  readonly threshold?: number;
}

/** A container that detections watch for silence. */
export interface Watched {
  readonly name: string;
  readonly type: string;
}

/** Returns a detection that watches only this container. */
function watch(detection: Detection, container: Watched): Detection {
  const { logic } = detection;
  if (logic.kind !== "count") return detection;
  const { lucene, esql } = logic.condition;
  return {
    ...detection,
    id: derivedId(detection.id, container.name),
    origin: detection.id,
    name: `${detection.name}-${container.name}`,
    title: `${detection.title}: ${container.name}`,
    watched: container.name,
    logic: {
      ...logic,
      by: [],
      condition: {
        lucene: `(${lucene}) AND dhis2.container.name:"${container.name}"`,
        esql: `(${esql}) and dhis2.container.name=="${container.name}"`,
      },
    },
  };
}

function withSettings(detection: Detection, settings: DetectionSettings): Detection {
  const { logic } = detection;
  const enabled = settings.enabled ?? detection.enabled;
  if (settings.threshold === undefined || !hasThreshold(detection)) return { ...detection, enabled };
  return { ...detection, enabled, logic: { ...logic, threshold: settings.threshold } as Logic };
}

function hasThreshold({ logic }: Detection): boolean {
  return logic.kind === "count" || logic.kind === "distinct";
}

/** A key of the stack's config that does not fit the detections. */
export interface SettingFault {
  /** The keys after `dhis2-siem:`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const LIST = "npm run -s detections -- list shows them";

/**
 * Returns the faults of a site's settings: a key that is not the name or id of a detection, two keys for the same detection, or
 * a threshold for a detection that has none.
 */
export function settingFaults(
  detections: readonly Detection[],
  settings: Readonly<Record<string, DetectionSettings>>,
): SettingFault[] {
  const seen = new Set<Detection>();
  return Object.entries(settings).flatMap(([key, { threshold }]) => {
    const path = ["detections", key];
    const detection = detections.find(({ id, name }) => key === id || key === name);
    if (!detection) return [{ path, message: `must be the name or id of a detection; ${LIST}` }];
    if (seen.has(detection))
      return [
        {
          path,
          message: `must be there once, but ${detection.name} is there twice, by its name and by its id`,
        },
      ];
    seen.add(detection);
    if (threshold === undefined || hasThreshold(detection)) return [];
    return [
      { path: [...path, "threshold"], message: `must be left out: ${detection.name} has no threshold` },
    ];
  });
}

/**
 * Returns the detections of a site with its settings applied. A detection that watches for silence becomes one detection for
 * each container, because a grouped rule does not notice a group without events. A detection that a flood of groups could
 * blind gets a second one (flood.ts). Throws an Error if a setting has a fault.
 * @param settings by the detection's name or id
 */
export function forSite(
  detections: readonly Detection[],
  containers: readonly Watched[],
  settings: Readonly<Record<string, DetectionSettings>> = {},
): Detection[] {
  const faults = settingFaults(detections, settings);
  if (faults.length > 0) {
    throw new Error(faults.map(({ path, message }) => `${printPath(path)} ${message}`).join("\n"));
  }
  return detections
    .map((detection) => withSettings(detection, settings[detection.id] ?? settings[detection.name] ?? {}))
    .flatMap((detection) => {
      if (!watchesSilence(detection)) return [detection, floodWatch(detection) ?? []].flat();
      const types = detection.containers;
      return (
        containers
          // The SIEM's own container has no agent: only rules that name its type watch it.
          .filter(({ type }) => (types === undefined ? type !== "es_siem" : types.includes(type)))
          .map((container) => watch(detection, container))
      );
    });
}

/** Returns whether a text of the config is the name or id of this detection, or of the detection that it was made from. */
export function matchesNameOrId(wanted: string, { id, name, origin, watched }: Detection): boolean {
  return [id, name, origin].includes(wanted) || (watched !== undefined && `${wanted}-${watched}` === name);
}

/** Returns a fault for each rule of a site's destinations that is not a detection of the site. */
export function unknownRules({ all }: Delivery, detections: readonly Detection[]): SettingFault[] {
  return all.flatMap((destination, at) =>
    (destination.type === "heartbeat" ? [] : (destination.rules ?? [])).flatMap((wanted, index) => {
      if (detections.some((detection) => matchesNameOrId(wanted, detection))) return [];
      const path = ["delivery", "destinations", at, "rules", index];
      return [
        { path, message: `must be the name or id of a detection, not "${printable(wanted)}"; ${LIST}` },
      ];
    }),
  );
}
