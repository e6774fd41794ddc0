import { RELAY_UNIT } from "../../../core/names";
import { ifAnswered, type Check, inContainer, raiseGeneration, formatDuration } from "./context";

/** The relay's systemd unit. */

/** Alerts reach people; where the stack delivers none, there is nothing to say. */
export const relay: Check = ({ site, options, state, facts }) => {
  if (!state.delivers) return [];
  const { name } = site.siem;
  const finding = { check: "relay", subject: name };
  const unit = facts.containers[name]?.units[RELAY_UNIT];
  if (unit !== undefined && unit !== "active") {
    const text = `the relay is ${unit}: no alert reaches anybody`;
    // Its unit starts it again and again: one that nobody stopped cannot start, as after an upgrade of the container's
    // system, with another Python. Its step makes what it needs.
    const fix =
      unit === "inactive"
        ? inContainer(options, name, `systemctl restart ${RELAY_UNIT}`)
        : raiseGeneration(name);
    return [{ ...finding, severity: "problem", text, fix }];
  }
  const { relay: answer } = facts;
  if (answer === undefined) return [];
  return ifAnswered("relay", "Elasticsearch", answer, ({ delivered, failing, error }) => {
    const last =
      delivered === undefined
        ? "it has delivered nothing yet"
        : `last delivery ${formatDuration(facts.now - delivered)} ago`;
    if (failing > 0) {
      const text = `${failing} alert${failing === 1 ? " waits" : "s wait"}: ${error || "a destination refuses"}; ${last}`;
      const fix = inContainer(options, name, `journalctl -u ${RELAY_UNIT} -n 20`);
      return [{ ...finding, severity: "problem", text, fix }];
    }
    return [{ ...finding, severity: "ok", text: `runs; ${last}` }];
  });
};
