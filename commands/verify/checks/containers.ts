import type { Finding } from "../finding";
import { type Check, inContainer, findingsOrOk } from "./context";

/** Every container of the host has an entry, and every entry a running container. */
export const containers: Check = ({ stack, site, options, facts }) => {
  const known = new Set(site.containers.map(({ name }) => name.toLowerCase()));
  const uncovered = facts.instances
    .filter(({ name }) => !known.has(name.toLowerCase()))
    .map(({ name, running }): Finding => ({
      check: "containers",
      severity: running ? "problem" : "warning",
      subject: name,
      text: `is on the host${running ? "" : " (stopped)"}, and no entry covers it: nobody watches it`,
      fix: `npm run -s site -- --discover ${stack} proposes its entry; add it, then: pulumi up`,
    }));
  const missing = [...site.agents, site.siem].flatMap(({ name }): Finding[] => {
    const found = facts.instances.find((instance) => instance.name === name);
    if (found?.running && facts.containers[name] !== undefined) return [];
    const finding = { check: "containers", severity: "problem", subject: name } as const;
    if (found === undefined) {
      const fix = `make it, or take its entry out of the site's file, then: pulumi up`;
      return [{ ...finding, text: "is in the site's file, and not on the host", fix }];
    }
    if (found.running) {
      const fix = inContainer(options, name, "systemctl is-system-running");
      return [{ ...finding, text: "runs, and could not be looked into", fix }];
    }
    return [{ ...finding, text: "does not run", fix: `lxc start ${name} --project ${options.lxdProject}` }];
  });
  const text = `${facts.instances.length} on the host, each with its entry`;
  return findingsOrOk("containers", [...uncovered, ...missing], "all", text);
};
