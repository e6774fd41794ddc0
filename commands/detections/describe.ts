import { format } from "prettier";
import { SEVERITIES } from "../../core/values";
import { type Detection, type Logic, isInQueryDsl } from "../../detections/detection";

/** Returns in words when a detection fires: "3 or more in 5m, for each user.name". */
export function firesOn(logic: Logic): string {
  if (logic.kind === "event") return "each event";
  const words = { ">=": "or more", ">": "and more", "<=": "or fewer", "<": "at least, or it fires," };
  const by = logic.by.length > 0 ? `, for each ${logic.by.join(" and ")}` : "";
  const span = `in ${logic.window.size}${logic.window.unit}`;
  if (logic.kind === "together") {
    const parts = logic.parts.map((part) => `${part.threshold} ${words[part.comparator]}`);
    return `${parts.join(logic.ordered ? ", then " : " and ")} ${span}${by}`;
  }
  const what = logic.kind === "distinct" ? ` values of ${logic.field}` : "";
  if (logic.comparator === "<") return `fewer than ${logic.threshold}${what} ${span}${by}`;
  return `${logic.threshold} ${words[logic.comparator]}${what} ${span}${by}`;
}

/** Returns all detections as columns of text: name, severity, on or off, when it fires, id. */
export function listText(detections: readonly Detection[]): string {
  const rows = detections.map((detection) => [
    detection.name,
    detection.severity,
    detection.enabled ? "on" : isInQueryDsl(detection) ? "off" : "off (ES|QL)",
    firesOn(detection.logic),
    detection.id,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n");
}

/** Returns the text of docs/rules.md, which lists all rules. */
export function rulesPage(detections: readonly Detection[]): Promise<string> {
  const rank = (detection: Detection) => SEVERITIES.indexOf(detection.severity);
  const sorted = [...detections].sort((a, b) => rank(b) - rank(a) || (a.title < b.title ? -1 : 1));
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const rows = sorted.map(
    (detection) =>
      `| [${cell(detection.title)}](#${detection.name}) | ${detection.severity} | ${cell(firesOn(detection.logic))} | ${detection.enabled ? "on" : "off"} |`,
  );
  const sections = sorted.map((detection) =>
    [
      `<a id="${detection.name}"></a>`,
      "",
      `## ${detection.title}`,
      "",
      detection.description,
      "",
      `- file: [\`detections/rules/${detection.name}.yml\`](../detections/rules/${detection.name}.yml), id \`${detection.id}\``,
      `- level ${detection.severity}; fires on ${firesOn(detection.logic)}`,
      ...(isInQueryDsl(detection)
        ? []
        : [
            "- needs ES\\|QL, which the tests' Elasticsearch has not: shipped off, its meaning tested by aggregations",
          ]),
      `- ATT&CK: ${
        detection.tags
          .filter((tag) => /^attack\.t\d/.test(tag))
          .map((tag) => tag.slice("attack.".length).toUpperCase())
          .join(", ") || "none"
      }`,
      `- false positives: ${detection.falsePositives.join(" ")}`,
      "",
      detection.note,
    ].join("\n"),
  );
  const page = [
    "# The rules",
    "",
    "Made from `detections/rules/*.yml` by `npm run -s detections -- docs`; do not edit.",
    "",
    "| rule | level | fires on | |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    sections.join("\n\n"),
    "",
  ].join("\n");
  return format(page, { parser: "markdown" });
}
