import type { Disk, LogFacts } from "../facts";
import type { Finding } from "../finding";
import { type Check, DAY, findingsOrOk, formatDuration } from "./context";

/** Elasticsearch takes no lines any more when less than this part is free (its flood stage watermark). */
const FLOOD = 0.05;
const PATH = "/var/lib/elasticsearch";

/**
 * Days until the disk holds no more, at the pace of the last week; undefined where it never comes to that, as
 * retention takes away as much as comes, or where less than a day is known.
 */
export function daysLeft(disk: Disk, logs: LogFacts, retentionDays: number): number | undefined {
  if (logs.documents === 0 || logs.days < 1) return undefined;
  const perDay = (logs.bytes * (logs.recent / logs.documents)) / logs.days;
  const room = disk.free - disk.size * FLOOD;
  const toCome = perDay * retentionDays - logs.bytes;
  return perDay > 0 && toCome > room ? Math.max(0, room / perDay) : undefined;
}

/** The SIEM's container has room, and will have. */
export const disk: Check = ({ site, options, facts }) => {
  const disks = facts.containers[site.siem.name]?.disks ?? [];
  const more = options.siem.disk
    ? `pulumi config set --path siem.disk SIZE (it is ${options.siem.disk}), then: pulumi up`
    : "give the host's storage pool more room";
  const fix = `${more}; or keep less: pulumi config set retentionDays DAYS (it is ${options.retentionDays})`;
  const used = (one: Disk) => Math.round(100 * (1 - one.free / one.size));
  const wrong = disks.flatMap((one): Finding[] => {
    const finding = { check: "disk", subject: `${site.siem.name}:${one.mount}`, fix };
    const text = `${used(one)}% full`;
    if (used(one) >= 90) return [{ ...finding, severity: "problem", text }];
    return used(one) >= 80 ? [{ ...finding, severity: "warning", text }] : [];
  });
  const data = disks
    .filter(({ mount }) => PATH.startsWith(mount))
    .sort((a, b) => b.mount.length - a.mount.length)[0];
  if (data === undefined) return wrong;
  const days = facts.elasticsearch.ok
    ? daysLeft(data, facts.elasticsearch.value.logs, options.retentionDays)
    : undefined;
  if (days !== undefined && days < 30) {
    const text = `holds no more lines in ${formatDuration(days * DAY)}, at the pace of the last week`;
    wrong.push({
      check: "disk",
      severity: "warning",
      subject: `${site.siem.name}:${data.mount}`,
      text,
      fix,
    });
  }
  const future =
    days === undefined ? "" : `, full in ${formatDuration(days * DAY)} at the pace of the last week`;
  return findingsOrOk("disk", wrong, site.siem.name, `${used(data)}% full${future}`);
};
