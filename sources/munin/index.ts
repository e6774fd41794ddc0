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
  files: ["/var/log/munin/munin-*.log"],
  installed: { munin: ["/usr/bin/munin-cron"] },
};
