import type { Json } from "../../core/json";
import { SOURCES } from "../../machines";
import type { RawLine } from "../detections/lines";

/** The systemd units of identifiers, if the unit has another name than the identifier. */
const UNITS: Readonly<Record<string, string>> = Object.fromEntries(
  SOURCES.flatMap(({ lines }) =>
    Object.entries(lines.identifiers ?? {}).flatMap(([identifier, { unit }]) =>
      unit === undefined ? [] : [[identifier, unit]],
    ),
  ),
);

/**
 * Returns the events that two versions of Filebeat send for a line of the journal or of a file, with the fields that the
 * agents' settings add. Source: the journald input's own table of fields, `journalfield/default.go`. 8.19 has no
 * `process.name`; the priority has the same name in both.
 */
export function filebeatEvents(line: RawLine): { "7.17": Json; "8.19": Json } {
  const { container, type, journal, file, message, executable, uid = 0 } = line;
  const common = {
    "@timestamp": line["@timestamp"],
    message,
    dhis2: { site: "dhis2.example.org", container: { name: container, type } },
    ecs: { version: "8.0.0" },
  };
  const agent = (version: string) => ({ ...common, agent: { type: "filebeat", name: container, version } });
  if (journal === undefined) {
    const from = {
      input: { type: "filestream" },
      log: { file: { path: file }, offset: 4711 },
      host: { name: container },
    };
    return { "7.17": { ...agent("7.17.29"), ...from }, "8.19": { ...agent("8.19.8"), ...from } };
  }
  const systemd = {
    transport: "syslog",
    unit: UNITS[journal] ?? `${journal}.service`,
    slice: "system.slice",
    cgroup: `/system.slice/${journal}.service`,
  };
  const written = {
    host: { hostname: "lxd-host", id: "0123456789abcdef0123456789abcdef" },
    journald: {
      pid: 4242,
      uid,
      gid: 0,
      process: { name: journal, command_line: `/usr/sbin/${journal} -D`, ...(executable && { executable }) },
    },
    user: { id: `${uid}`, group: { id: "0" } },
  };
  return {
    "7.17": {
      ...agent("7.17.29"),
      ...written,
      input: { type: "journald" },
      syslog: { identifier: journal, priority: 6, facility: 3 },
      log: { syslog: { priority: 6, facility: { code: 3 } } },
      process: { pid: 4242, name: journal, command_line: `/usr/sbin/${journal} -D`, args: ["-D"] },
      systemd,
    },
    "8.19": {
      ...agent("8.19.8"),
      ...written,
      input: { type: "journald" },
      syslog: { identifier: journal, priority: 6 },
      log: { syslog: { priority: 6 } },
      process: { pid: 4242, command_line: `/usr/sbin/${journal} -D` },
      systemd,
    },
  };
}
