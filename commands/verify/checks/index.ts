import type { Finding } from "../finding";
import { agentsRun, agentsSend, rebuilt } from "./agents";
import { clients } from "./clients";
import { containers } from "./containers";
import type { Check, Context } from "./context";
import { disk } from "./disk";
import { drift } from "./drift";
import { ports } from "./ports";
import { proxy } from "./proxy";
import { relay } from "./relay";
import { actions, rules } from "./rules";
import { sources } from "./sources";
import { certificates, elasticsearch, kibana, keys, template } from "./servers";
import { versions } from "./versions";

/** Every check, in the order of the table: what is watched, what watches, what could end. */
const CHECKS: readonly Check[] = [
  containers,
  rebuilt,
  agentsRun,
  agentsSend,
  elasticsearch,
  kibana,
  rules,
  actions,
  relay,
  proxy,
  clients,
  ports,
  keys,
  template,
  versions,
  drift,
  sources,
  disk,
  certificates,
];

/** Returns the findings of every check, in the order of the table. */
export function runChecks(context: Context): Finding[] {
  return CHECKS.flatMap((one) => one(context));
}
