import { createHash } from "node:crypto";
import type { Delivery } from "../config/delivery";
import { shown } from "../core/problem";
import { type Detection, watchesSilence } from "./detection";

/** What a site changes about one detection without touching its file. */
export interface DetectionSettings {
  readonly enabled?: boolean;
  readonly threshold?: number;
}

/** A container as detections see it. */
export interface Watched {
  readonly name: string;
  readonly type: string;
}

/** A UUID (version 5) that is always the same for a detection and a container. */
function uuidFor(id: string, container: string): string {
  const hash = createHash("sha1")
    .update(Buffer.from(id.replaceAll("-", ""), "hex"))
    .update(container)
    .digest()
    .subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** One detection for one container. */
function watch(detection: Detection, container: Watched): Detection {
  const { logic } = detection;
  if (logic.kind !== "count") return detection;
  const { lucene, esql } = logic.condition;
  return {
    ...detection,
    id: uuidFor(detection.id, container.name),
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
  if (settings.threshold === undefined) return { ...detection, enabled };
  if (logic.kind !== "count" && logic.kind !== "distinct") {
    throw new Error(`detections: ${detection.name} has no threshold to change`);
  }
  return { ...detection, enabled, logic: { ...logic, threshold: settings.threshold } };
}

/** The settings of each detection that has some, by id. Throws where a key is no detection's name or id, or two are the same one's. */
function byId(
  detections: readonly Detection[],
  settings: Readonly<Record<string, DetectionSettings>>,
): ReadonlyMap<string, DetectionSettings> {
  const found = new Map<string, DetectionSettings>();
  for (const [key, given] of Object.entries(settings)) {
    const detection = detections.find(({ id, name }) => key === id || key === name);
    if (!detection) {
      throw new Error(
        `detections.${key}: no detection has this name or id; npm run -s detections -- list shows them`,
      );
    }
    if (found.has(detection.id)) {
      throw new Error(`detections.${key}: ${detection.name} is there twice, by its name and by its id`);
    }
    found.set(detection.id, given);
  }
  return found;
}

/**
 * The detections as a site runs them: its settings applied, by name or id, and each that watches for silence made into one
 * for each container (a grouped rule cannot see what is not there). Throws when a setting fits no detection.
 */
export function forSite(
  detections: readonly Detection[],
  containers: readonly Watched[],
  settings: Readonly<Record<string, DetectionSettings>> = {},
): Detection[] {
  const given = byId(detections, settings);
  return detections
    .map((detection) => withSettings(detection, given.get(detection.id) ?? {}))
    .flatMap((detection) => {
      if (!watchesSilence(detection)) return [detection];
      const types = detection.containers;
      return containers
        .filter(({ type }) => types === undefined || types.includes(type))
        .map((container) => watch(detection, container));
    });
}

/** Whether an id or a name in the config is a detection's, or that of the one it was made of for a container. */
export function isMeant(wanted: string, { id, name, origin, watched }: Detection): boolean {
  return [id, name, origin].includes(wanted) || (watched !== undefined && `${wanted}-${watched}` === name);
}

/** A line for each rule in the config that no detection of the site is: key, what is wrong, what would be right. */
export function unknownRules({ destinations }: Delivery, detections: readonly Detection[]): string[] {
  return destinations.flatMap(({ rules = [] }, at) =>
    rules.flatMap((wanted, index) =>
      detections.some((detection) => isMeant(wanted, detection))
        ? []
        : [
            `dhis2-siem:delivery.destinations[${at}].rules[${index}]: no detection has the id or name "${shown(wanted)}"; npm run -s detections -- list shows them`,
          ],
    ),
  );
}
