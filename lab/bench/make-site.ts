import type { MachineTypeName } from "../../machines";

interface MadeSite {
  readonly fqdn: string;
  readonly containers: readonly {
    readonly name: string;
    readonly ip: string;
    readonly type: MachineTypeName;
  }[];
  readonly [key: string]: unknown;
}

/** The first containers of each generated site, in this order. The others are DHIS2 instances. */
const FIRST: readonly (readonly [string, MachineTypeName])[] = [
  ["siem", "es_siem"],
  ["proxy", "nginx_proxy"],
  ["dhis-001", "dhis2"],
  ["postgres", "postgres"],
  ["monitor", "munin_monitor"],
  ["logger", "journal_logger"],
];

/** Returns a site of `n` containers (3 to 200) as in `containers.json`: always the same site for the same `n`. Throws a RangeError. */
export function makeSite(n: number): MadeSite {
  if (!Number.isInteger(n) || n < 3 || n > 200)
    throw new RangeError(`a made site has 3 to 200 containers, not ${n}`);
  const containers = Array.from({ length: n }, (_, index) => {
    const number = String(index - FIRST.length + 2).padStart(3, "0");
    const [name, type] = FIRST[index] ?? [`dhis-${number}`, "dhis2" as const];
    return { name, ip: `10.40.0.${index + 2}`, type };
  });
  return {
    fqdn: "made.example.org",
    email: "admin@example.org",
    environment: { TZ: "Africa/Accra" },
    network: "10.40.0.1/24",
    monitoring: "munin",
    apm: "glowroot",
    proxy: "nginx",
    containers,
  };
}
