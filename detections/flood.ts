import type { Detection } from "./detection";
import { derivedId } from "./derived-id";

/**
 * How many groups a rule evaluates: those with most events. Kibana allows 1000. Each group's newest events are part of the
 * search's answer, so this bounds the answer (docs/security.md, "What bounds the load").
 */
export const MAX_GROUPS = 100;

/** Fields whose values come from the site's own set-up. A stranger cannot make more groups of them. */
const OWN_FIELDS = ["dhis2.container.name", "dhis2.health.path", "dhis2.site", "host.name"];

/**
 * Returns the detection that fires if this one may not see all its groups: a flood of other names or addresses must not hide one. A group
 * that is hidden has at most as many events as each of the MAX_GROUPS others. So there are at least `threshold` events for each of these
 * and for the hidden one, and the search for them needs no groups. Returns undefined if a stranger cannot cause this.
 */
export function floodWatch(detection: Detection): Detection | undefined {
  const { logic, title } = detection;
  if (logic.kind !== "count" || !logic.comparator.startsWith(">")) return undefined;
  const byStranger = logic.by.filter((field) => !OWN_FIELDS.includes(field));
  if (byStranger.length === 0) return undefined;
  const least = logic.comparator === ">" ? Math.floor(logic.threshold) + 1 : Math.ceil(logic.threshold);
  const threshold = (MAX_GROUPS + 1) * Math.max(1, least);
  return {
    ...detection,
    id: derivedId(detection.id, "flood"),
    origin: detection.id,
    name: `${detection.name}-flood`,
    title: `${title}: Flood`,
    description: `So many events of the rule "${title}" came that it may not see all of them: it looks at the ${MAX_GROUPS} values of ${byStranger.join(" and ")} with most events.`,
    note: `Somebody may hide a few events among many. Look in Kibana at all events of the time, grouped by ${byStranger.join(" and ")}, above all at the values with few events. Then do what the note of "${title}" says. ${detection.note}`,
    logic: { ...logic, by: [], comparator: ">=", threshold },
  };
}
