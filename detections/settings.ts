import { createHash } from "node:crypto";
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
    throw new Error(`detections.${detection.id}.threshold: ${detection.name} has no threshold to change`);
  }
  return { ...detection, enabled, logic: { ...logic, threshold: settings.threshold } };
}

/**
 * The detections as a site runs them: its settings applied, by id, and each that watches for silence made into one for
 * each container (a grouped rule cannot see what is not there). Throws when a setting fits no detection.
 */
export function forSite(
  detections: readonly Detection[],
  containers: readonly Watched[],
  settings: Readonly<Record<string, DetectionSettings>> = {},
): Detection[] {
  for (const id of Object.keys(settings)) {
    if (!detections.some((detection) => detection.id === id)) {
      throw new Error(`detections.${id}: no detection has this id; npm run -s detections -- list shows them`);
    }
  }
  return detections
    .map((detection) => withSettings(detection, settings[detection.id] ?? {}))
    .flatMap((detection) => {
      if (!watchesSilence(detection)) return [detection];
      const types = detection.containers;
      return containers
        .filter(({ type }) => types === undefined || types.includes(type))
        .map((container) => watch(detection, container));
    });
}
