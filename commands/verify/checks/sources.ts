import { SOURCES, sourcesOf } from "../../../machines";
import type { Finding } from "../finding";
import { type Check, findingsOrOk, raiseGeneration } from "./context";

/** What each source looks at on the machines that have it (`Source.verify`). */
export const sources: Check = ({ site, facts }) =>
  SOURCES.flatMap((source) => {
    const { name: check, verify } = source;
    const machines = site.agents.filter(({ type }) => sourcesOf(type).includes(source));
    if (verify === undefined || machines.length === 0) return [];
    const wrong = machines.flatMap(({ name }) =>
      verify.faults(facts.containers[name]?.sources[check] ?? {}).map((text): Finding => ({
        check,
        severity: "problem",
        subject: name,
        text,
        fix: raiseGeneration(name),
      })),
    );
    return findingsOrOk(check, wrong, "all", verify.good);
  });
