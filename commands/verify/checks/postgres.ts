import type { Finding } from "../finding";
import { type Check, orOk, runAgain } from "./context";

/** Every PostgreSQL cluster logs to the journal: that of a new major version begins without the stack's settings. */
export const postgres: Check = ({ site, facts }) => {
  const containers = site.agents.filter(({ type }) => type === "postgres" || type === "postgres12");
  if (containers.length === 0) return [];
  const wrong = containers.flatMap(({ name }): Finding[] => {
    const without = Object.entries(facts.inside[name]?.clusters ?? {}).flatMap(([folder, ours]) =>
      ours ? [] : [folder],
    );
    if (without.length === 0) return [];
    const text = `its log does not reach the SIEM: the stack's settings are not in ${without.join(", ")}`;
    return [{ check: "postgresql", severity: "problem", subject: name, text, mend: runAgain(name) }];
  });
  return orOk("postgresql", wrong, "all", "every cluster has the stack's settings");
};
