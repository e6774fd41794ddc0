import { join } from "node:path";
import { HEADER } from "../../core/header";
import type { Source } from "../source";

/** TODO: what the program is, and where it comes from ("as Debian packages it"). */
export const template: Source = {
  name: "template",
  title: "Template",
  folder: __dirname,
  service: "template",
  datasets: ["template.log"],
  lines: {
    identifiers: { "template-server": { unit: "template.service" } },
    paths: ["/template/"],
  },
  files: ["/var/log/template/server.log"],
  logging: {
    scripts: [join(__dirname, "logging.sh")],
    settings: `${HEADER}log_to = journal\n`,
  },
  installed: { "template-server": ["/usr/sbin/template-server"] },
  verify: {
    script: join(__dirname, "verify.sh"),
    faults: ({ settings }) =>
      settings === "ours" ? [] : ["its log does not reach the SIEM: the stack's settings are not there"],
    good: "it has the stack's settings",
  },
};
