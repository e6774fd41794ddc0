import type { Finding } from "../finding";
import {
  type Check,
  type Context,
  inContainer,
  MINUTE,
  findingsOrOk,
  ifAnswered,
  raiseGeneration,
  formatDuration,
} from "./context";

/** Three health reports: scripts/health.sh writes one every five minutes, also in an idle container. In milliseconds. */
export const SILENT_AFTER_MS = 15 * MINUTE;

/** The agent's service runs in every container. */
export const agentsRun: Check = ({ site, options, facts }) => {
  const wrong = site.agents.flatMap(({ name }): Finding[] => {
    const inside = facts.containers[name];
    const active = inside?.units.filebeat ?? "unknown";
    if (inside === undefined || active === "active") return [];
    return [
      {
        check: "agent",
        severity: "problem",
        subject: name,
        text: `Filebeat is ${active}: nothing of this container is watched`,
        fix: inContainer(options, name, "systemctl start filebeat"),
      },
    ];
  });
  return findingsOrOk("agent", wrong, "all", `Filebeat runs in ${site.agents.length} containers`);
};

/** Every agent's lines arrive. */
export const agentsSend: Check = (context) =>
  ifAnswered("sending", "Elasticsearch", context.facts.elasticsearch, ({ lastSeen }) => {
    const wrong = context.site.agents.flatMap(({ name }) => silence(context, name, lastSeen[name]));
    return findingsOrOk(
      "sending",
      wrong,
      "all",
      `lines of every container within ${formatDuration(SILENT_AFTER_MS)}`,
    );
  });

function silence({ facts, options }: Context, name: string, last: number | undefined): Finding[] {
  const quiet = last === undefined ? Infinity : facts.now - last;
  if (quiet <= SILENT_AFTER_MS) return [];
  const since = last === undefined ? "in the last seven days" : `for ${formatDuration(quiet)}`;
  const fix = inContainer(options, name, "journalctl -u filebeat -n 20");
  const text = `no line has come ${since}`;
  return [{ check: "sending", severity: "problem", subject: name, text, fix }];
}

/** No container was rebuilt, or restored from a snapshot, since the stack ran in it. */
export const rebuilt: Check = ({ site, state, facts }) => {
  const wrong: Finding[] = [];
  for (const { name } of [...site.agents, site.siem]) {
    const now = facts.instances.find((instance) => instance.name === name)?.uuid ?? "";
    const uuids = state.containers[name]?.uuids ?? [];
    const common = { check: "rebuilt", subject: name };
    if (uuids.length === 0) {
      const text = "the stack never ran in it, or with an older version: nothing of it is known";
      wrong.push({ ...common, severity: "warning", text, fix: "pulumi up" });
    } else if (now !== "" && uuids.some((uuid) => uuid !== now)) {
      const text =
        "it was built anew, or restored from a snapshot, since the stack ran in it: what the stack put into it may be gone";
      wrong.push({ ...common, severity: "problem", text, fix: raiseGeneration(name) });
    }
  }
  return findingsOrOk("rebuilt", wrong, "all", "the containers are those that the stack ran in");
};
