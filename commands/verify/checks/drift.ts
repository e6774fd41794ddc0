import type { Finding } from "../finding";
import { type Check, inContainer, findingsOrOk, raiseGeneration } from "./context";

/**
 * Every file that the stack put in place is still as it was written. What should be is in the stack's state on the
 * laptop, and not in the container: who can change the one cannot change the other.
 */
export const drift: Check = ({ state, facts, options }) => {
  let count = 0;
  const wrong = Object.entries(state.containers).flatMap(([name, { files }]) => {
    const inside = facts.containers[name];
    if (inside === undefined) return [];
    count += Object.keys(files).length;
    return Object.entries(files).flatMap(([path, sha256]): Finding[] => {
      const found = inside.files[path];
      if (found === sha256) return [];
      const edited = `was edited; see it with: ${inContainer(options, name, `cat ${path}`)}`;
      return [
        {
          check: "files",
          severity: "problem",
          subject: `${name}:${path}`,
          text: found === undefined ? "is gone" : edited,
          fix: raiseGeneration(name),
        },
      ];
    });
  });
  if (count === 0) return [];
  return findingsOrOk("files", wrong, "all", `${count} files are as the stack wrote them`);
};
