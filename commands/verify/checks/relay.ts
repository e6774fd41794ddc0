import { RELAY_UNIT } from "../../../core/names";
import { ifAnswered, type Check, inContainer, raiseGeneration, formatDuration } from "./context";

/** Alerts reach people. Does not apply if the stack has no relay. */
export const relay: Check = ({ site, options, state, facts }) => {
  if (!state.delivers) return [];
  const { name } = site.siem;
  const finding = { check: "relay", subject: name };
  const unit = facts.containers[name]?.units[RELAY_UNIT];
  if (unit !== undefined && unit !== "active") {
    const text = `the relay is ${unit}: no alert reaches anybody`;
    // systemd restarts the relay whenever it ends. If it is not active and nobody stopped it, it cannot start: for example,
    // a system upgrade replaced its Python. The relay's step installs it again.
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
