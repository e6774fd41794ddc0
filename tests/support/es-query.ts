import type { Params } from "../../kibana/rule-params";

/** A rule that counts each user's failures by themselves. */
export const grouped: Params = {
  searchType: "esQuery",
  aggType: "count",
  groupBy: "top",
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
