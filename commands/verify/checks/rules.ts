import { MATCHED } from "../../../kibana/rule";
import type { RuleFacts } from "../facts";
import type { Finding } from "../finding";
import {
  type Check,
  type Context,
  ifAnswered,
  inContainer,
  MINUTE,
  findingsOrOk,
  formatDuration,
} from "./context";

/** Rules run every minute; a Kibana that is busy or was restarted may be late. */
const LATE = 15 * MINUTE;

/** Every rule of the stack is there, on, and ran without an error. */
export const rules: Check = (context) =>
  ifAnswered("rules", "Kibana", context.facts.kibana, ({ rules: found }) => {
    const wrong = context.state.rules.flatMap((rule) =>
      faultOf(
        context,
        rule.name,
        found.find(({ id }) => id === rule.id),
      ),
    );
    return findingsOrOk(
      "rules",
      wrong,
      "all",
      `${context.state.rules.length} rules are on and ran without an error`,
    );
  });

/** What rules wanted to do was done: Kibana tries nothing again, so an alert that could not be written is never there. */
export const actions: Check = ({ site, options, facts }) =>
  ifAnswered(
    "actions",
    "Elasticsearch",
    facts.elasticsearch,
    ({ actions: { count, newest, error: said } }) => {
      const ago = facts.now - newest;
      const failed: Finding = {
        check: "actions",
        subject: site.siem.name,
        severity: ago < 60 * MINUTE ? "problem" : "warning",
        text: `${count} actions of rules failed within a day, the last one ${formatDuration(ago)} ago: ${said}`,
        fix: inContainer(options, site.siem.name, "journalctl -u kibana -n 20"),
      };
      return findingsOrOk(
        "actions",
        count > 0 ? [failed] : [],
        site.siem.name,
        "no action of a rule failed within a day",
      );
    },
  );

function faultOf({ site, options, facts }: Context, subject: string, rule: RuleFacts | undefined): Finding[] {
  const finding = { check: "rules", subject };
  const restore = "pulumi refresh --run-program --skip-preview, then: pulumi up";
  const journal = inContainer(options, site.siem.name, "journalctl -u kibana -n 20");
  if (rule === undefined) {
    return [{ ...finding, severity: "problem", text: "this rule is gone from Kibana", fix: restore }];
  }
  if (!rule.enabled) {
    return [{ ...finding, severity: "problem", text: "this rule is switched off in Kibana", fix: restore }];
  }
  if (rule.silenced) {
    const text = "this rule is muted or snoozed in Kibana: it writes no alert";
    return [{ ...finding, severity: "problem", text, fix: `in Kibana's rules: unsnooze "${subject}"` }];
  }
  if (rule.mutedAlerts.length > 0) {
    const severity = rule.mutedAlerts.includes(MATCHED) ? "problem" : "warning";
    const text = `alerts of this rule are muted in Kibana, and are not written: ${rule.mutedAlerts.join("; ")}`;
    return [{ ...finding, severity, text, fix: `in Kibana's rules: unmute them in "${subject}"` }];
  }
  if (rule.status === "error") {
    const text = `its last run failed: ${rule.message}`;
    return [{ ...finding, severity: "problem", text, fix: journal }];
  }
  if (rule.status === "warning") {
    const text = `its last run had a warning: ${rule.message}`;
    return [{ ...finding, severity: "warning", text, fix: journal }];
  }
  const age = rule.ran === undefined ? 0 : facts.now - rule.ran;
  if (age > LATE) {
    const fix = inContainer(options, site.siem.name, "systemctl restart kibana");
    return [{ ...finding, severity: "problem", text: `has not run for ${formatDuration(age)}`, fix }];
  }
  return [];
}
