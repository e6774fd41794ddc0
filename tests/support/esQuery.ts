import type { Params } from "../../tools/detections/es-query";

/** A rule that counts each user's failures by themselves. */
export const grouped: Params = {
  esQuery: '{"query":{"term":{"event.outcome":"failure"}}}',
  index: ["logs-dhis2-*"],
  timeField: "event.ingested",
  timeWindowSize: 5,
  timeWindowUnit: "m",
  threshold: [3],
  thresholdComparator: ">=",
  size: 10,
  termField: "user.name",
  termSize: 100,
  excludeHitsFromPreviousRun: false,
};
