import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabOutputs } from "./outputs";
import { LAB_STATE } from "./places";
import type { Received } from "./receivers";

/** Which parts of the lab are the vendor's own, and which are stand-ins. */
export function realOrStandin(): { part: string; what: string }[] {
  const file = join(LAB_STATE, "packages.json");
  const plugins = join(LAB_STATE, "plugins");
  const standins = existsSync(plugins) ? readdirSync(plugins).sort() : [];
  const vendor = existsSync(file) && readFileSync(file, "utf8").includes('"vendor"');
  return [
    { part: "LXD, systemd, journald, SSH", what: "real" },
    { part: "nginx, PostgreSQL", what: "real" },
    { part: "openresty (in the check)", what: openresty() },
    { part: "Pulumi's CLI and engine", what: "real" },
    {
      part: "Elasticsearch",
      what: vendor ? "real" : "real, assembled from its Maven artifacts (without ES|QL, ILM, geoip)",
    },
    { part: "Filebeat", what: vendor ? "real" : "real, built from its source (7.17.29)" },
    {
      part: "Kibana",
      what: vendor ? "real" : "STAND-IN (lab/standins/kibana): its HTTP API, rules and connectors",
    },
    {
      part: "Pulumi's plugins",
      what:
        standins.length === 0
          ? "real"
          : `STAND-INS (lab/standins/pulumi): ${standins.map((name) => name.replace(/^pulumi-(resource-)?/, "")).join(", ")}`,
    },
    { part: "DHIS2", what: "STAND-IN (lab/standins/dhis2): its login, its log lines and its audit log" },
  ];
}

/** Which program plays openresty: lab/site/openresty.sh finds out when it installs it. */
function openresty(): string {
  const file = join(LAB_STATE, "openresty");
  const real = existsSync(file) && readFileSync(file, "utf8").trim() === "vendor";
  return real
    ? "real"
    : "STAND-IN where its packages cannot be had: Debian's nginx in openresty's folders and unit";
}

/** Prints the alerts, what the mail server and the webhook received, where to look, and which parts were real. */
export function printReport(
  outputs: LabOutputs,
  alerts: readonly Record<string, unknown>[],
  delivered: readonly Received[],
): void {
  console.log(`\n${alerts.length} alert${alerts.length === 1 ? "" : "s"}:\n`);
  for (const alert of alerts) console.log(describeAlert(alert));
  printDelivered(delivered);
  console.log(`\nKibana        ${outputs.kibanaUrl}   (from the site's network)`);
  console.log(
    `operator      ${outputs.operator.username}; password: pulumi stack output operator --show-secrets`,
  );
  console.log(`agents        ${outputs.agents.map((agent) => agent.name).join(", ")}`);
  console.log("\nWhat was real here, and what stood in:\n");
  for (const { part, what } of realOrStandin()) console.log(`  ${part.padEnd(28)} ${what}`);
}

function printDelivered(delivered: readonly Received[]): void {
  for (const one of delivered) {
    if (one.by === "mail") {
      console.log(`\nmail to ${one.to.join(", ")} at ${one.at}:\n`);
      console.log(one.text.trimEnd().replace(/^/gm, "  | "));
    } else {
      const names = (one.body.alerts as Record<string, unknown>[]).map((alert) =>
        text(field(alert, "rule.name")),
      );
      console.log(`\nwebhook at ${one.at}: ${names.length} alert(s): ${names.join("; ")}`);
    }
  }
}

/** Returns an alert as a few lines: the rule, the entity, how many events in which window, and the events. */
export function describeAlert(alert: Record<string, unknown>): string {
  const rule = field(alert, "rule.name");
  const facts = ["severity", "entity", "count", "window"].map(
    (name) => `${name} ${text(field(alert, `dhis2.alert.${name}`)) || "-"}`,
  );
  const events = field(alert, "dhis2.alert.events");
  const lines = (Array.isArray(events) ? events : []).slice(0, 4).map((event: unknown) => {
    const original =
      field(event as Record<string, unknown>, "event.original") ??
      field(event as Record<string, unknown>, "message");
    return `      ${(text(original) || JSON.stringify(event)).slice(0, 140)}`;
  });
  return [`  ${String(alert["@timestamp"])}  ${String(rule)}`, `      ${facts.join(", ")}`, ...lines].join(
    "\n",
  );
}

/** Returns a scalar as text, and "" for anything else. */
function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** Returns a document's field by its path with dots, whether the document nests the field or writes its name with dots. */
export function field(document: Record<string, unknown>, path: string): unknown {
  if (path in document) return document[path];
  const [head = "", ...rest] = path.split(".");
  const next = document[head];
  if (rest.length === 0 || typeof next !== "object" || next === null) return undefined;
  return field(next as Record<string, unknown>, rest.join("."));
}
