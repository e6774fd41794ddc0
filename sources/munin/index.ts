import type { Source } from "../source";

/** Munin's own logs, on the machine that collects the values and draws the graphs. They are only in files. */
export const munin: Source = {
  name: "munin",
  title: "Munin",
  folder: __dirname,
  service: "system",
  datasets: ["system.log"],
  pipeline: "system",
  lines: { paths: ["/munin/"] },
  // By name: munin's own user can make files in that folder.
  files: ["update", "graph", "html", "limits", "cgi-graph", "cgi-html"].map(
    (program) => `/var/log/munin/munin-${program}.log`,
  ),
  installed: { munin: ["/usr/bin/munin-cron"] },
};
