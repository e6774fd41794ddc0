import { RELAY_UNIT } from "../../../core/names";
import { answered, type Check, inContainer, runAgain, span } from "./context";

/** The relay's systemd unit. */

/** Alerts reach people; where the stack delivers none, there is nothing to say. */
export const relay: Check = ({ site, options, state, facts }) => {
  if (!state.delivers) return [];
  const { name } = site.siem;
  const finding = { check: "relay", subject: name };
  const unit = facts.inside[name]?.units[RELAY_UNIT];
  if (unit !== undefined && unit !== "active") {
    const text = `the relay is ${unit}: no alert reaches anybody`;
    // Its unit starts it again and again: one that nobody stopped cannot start, as after an upgrade of the container's
    // system, with another Python. Its step makes what it needs.
    const mend =
      unit === "inactive" ? inContainer(options, name, `systemctl restart ${RELAY_UNIT}`) : runAgain(name);
    return [{ ...finding, severity: "problem", text, mend }];
  }
  const { relay: answer } = facts;
  if (answer === undefined) return [];
  return answered("relay", "Elasticsearch", answer, ({ delivered, failing, said }) => {
    const last =
      delivered === undefined
        ? "it has delivered nothing yet"
        : `last delivery ${span(facts.now - delivered)} ago`;
    if (failing > 0) {
      const text = `${failing} alert${failing === 1 ? " waits" : "s wait"}: ${said || "a destination refuses"}; ${last}`;
      const mend = inContainer(options, name, `journalctl -u ${RELAY_UNIT} -n 20`);
      return [{ ...finding, severity: "problem", text, mend }];
    }
    return [{ ...finding, severity: "ok", text: `runs; ${last}` }];
  });
};
