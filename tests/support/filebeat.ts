import { parse } from "yaml";
import type { MachineTypeName } from "../../machines";
import { renderFilebeatYml } from "../../render/filebeat";

/** The filebeat.yml of an example container of a type. */
export function exampleFilebeatYml(type: MachineTypeName): string {
  return renderFilebeatYml(
    { name: "one", type, ip: "10.87.0.10", generation: 1 },
    { fqdn: "dhis2.example.org", siemAddress: "10.87.0.200", dataStream: "logs-dhis2-default" },
  );
}

/** The inputs that a filebeat.yml has. */
export function inputsOf(yml: string): Record<string, unknown>[] {
  return (parse(yml) as { "filebeat.inputs": Record<string, unknown>[] })["filebeat.inputs"];
}
