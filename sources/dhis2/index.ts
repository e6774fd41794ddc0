import type { Source } from "../source";

/** DHIS2 in Tomcat. Tomcat's unit logs to the journal. The audit log is only in a file. */
export const dhis2: Source = {
  name: "dhis2",
  title: "DHIS2",
  folder: __dirname,
  service: "dhis2",
  datasets: ["dhis2.audit", "dhis2.authentication", "dhis2.log"],
  lines: {
    identifiers: { java: {}, "catalina.sh": {} },
    prefixes: ["tomcat"],
    paths: ["dhis"],
    onItsMachine: { words: ["dhis"], files: true },
  },
  files: ["/opt/dhis2/logs/dhis-audit.log"],
  // Log4j counts upwards for ever, and Tomcat's user could make a file of every number.
  rolled: [".[0-9]", ".[0-9][0-9]"],
  installed: {
    dhis2: ["/opt/dhis2"],
    tomcat: ["/etc", "/lib", "/usr/lib"].flatMap((folder) =>
      ["", "8", "9", "10", "11"].map((version) => `${folder}/systemd/system/tomcat${version}.service`),
    ),
  },
};
