import { z } from "zod";
import { hostName } from "../../config/containers-json";
import { MACHINE_TYPES, machineType, type MachineTypeName, SOURCES } from "../../machines";
import { asRoot, quote } from "../../render/bundle";

/** Runs a command on the LXD host, with `stdin`, and returns its stdout. Throws if it fails or takes longer than `seconds`. */
export type RunOnHost = (command: string, stdin?: string, seconds?: number) => Promise<string>;

/** What LXD knows about one container. */
export interface Instance {
  readonly name: string;
  readonly running: boolean;
  /** IPv4 addresses: the configured address first, then the addresses that it has now. */
  readonly addresses: readonly string[];
  /** dhis2-tools-dab's own mark, such as "Tomcat server". */
  readonly mark: string;
  /** LXD's own id, which changes if the container is rebuilt or restored; empty if LXD is too old to have it. */
  readonly uuid: string;
  /** Its LXD devices that pass connections on without the client's address. */
  readonly hidingDevices?: readonly string[];
}

/** An entry for `containers.json`, and the reason for its type. */
export interface Proposal {
  readonly entry: { readonly name: string; readonly ip: string; readonly type: MachineTypeName };
  readonly why: string;
}

export interface Discovery {
  readonly proposals: readonly Proposal[];
  /** One line for each container without a proposal, with the reason. */
  readonly notes: readonly string[];
}

export interface DiscoverOptions {
  readonly run: RunOnHost;
  /** The login; any but root goes through sudo. */
  readonly user: string;
  readonly lxdProject: string;
  /** The script that prints what is installed in a container (`renderProbe`). */
  readonly probe: string;
  /** Names that the site lists already. */
  readonly known: readonly string[];
  /** Whether an address is in the site's network. */
  readonly inNetwork: (ip: string) => boolean;
}

const lxdList = z.array(
  z.object({
    name: z.string(),
    status: z.string(),
    config: z.record(z.string(), z.string()).nullish(),
    expanded_devices: z.record(z.string(), z.record(z.string(), z.string())).nullish(),
    state: z
      .object({
        network: z
          .record(
            z.string(),
            z.object({ addresses: z.array(z.object({ family: z.string(), address: z.string() })).nullish() }),
          )
          .nullish(),
      })
      .nullish(),
  }),
);

/** Returns the containers in the output of `lxc list --format json`. Throws if the output is something else. */
export function readInstances(json: string): Instance[] {
  return lxdList.parse(JSON.parse(json)).map(({ name, status, config, expanded_devices, state }) => {
    const configured = Object.values(expanded_devices ?? {}).map((device) => device["ipv4.address"]);
    const seen = Object.values(state?.network ?? {})
      .flatMap(({ addresses }) => addresses ?? [])
      .filter(({ family }) => family === "inet")
      .map(({ address }) => address);
    return {
      name,
      running: status === "Running",
      addresses: [...configured, ...seen].filter((address) => address !== undefined),
      mark: config?.["user.type"] ?? "",
      uuid: identity(config ?? {}),
      hidingDevices: Object.entries(expanded_devices ?? {}).flatMap(([device, settings]) =>
        hidesClients(settings) ? [device] : [],
      ),
    };
  });
}

/** Returns whether a device is a proxy from the host into the container whose connections come from the host's own address. */
function hidesClients({
  type,
  bind = "host",
  listen = "",
  ...settings
}: Record<string, string | undefined>): boolean {
  const keepsAddress = settings.nat === "true" || settings.proxy_protocol === "true";
  return type === "proxy" && bind === "host" && listen.startsWith("tcp:") && !keepsAddress;
}

/** A restore from a snapshot keeps LXD's id, so the id of the restore is added (scripts/in-container.sh prints the same). */
function identity(config: Readonly<Record<string, string>>): string {
  const { "volatile.uuid": id = "", "volatile.uuid.generation": restored = "" } = config;
  return restored === "" || restored === id ? id : `${id}/${restored}`;
}

/** Returns the probe: probe.sh and a call for everything that machines/ and sources/ recognise. */
export function renderProbe(script: string): string {
  const wanted = [...SOURCES, ...MACHINE_TYPES.map(machineType)].flatMap(({ installed = {} }) =>
    Object.entries(installed),
  );
  const calls = wanted.map(([word, paths]) => `has ${[word, ...paths].map(quote).join(" ")}\n`);
  return `${script.trimEnd()}\n${calls.join("")}`;
}

/**
 * Returns the type of a container and the reason: what is installed (undefined if the container did not answer), else
 * dhis2-tools-dab's mark, else its name.
 */
export function guessType(
  instance: Pick<Instance, "name" | "mark">,
  installed: readonly string[] | undefined,
): { readonly type: MachineTypeName; readonly why: string } | undefined {
  for (const type of MACHINE_TYPES) {
    const found = (installed ?? []).filter((word) => machineType(type).found.by.test(word));
    if (found.length > 0) return { type, why: `installed: ${found.join(", ")}` };
  }
  if (/tomcat/i.test(instance.mark)) return { type: "dhis2", why: `marked as "${instance.mark}"` };
  const byName = [...MACHINE_TYPES].sort((a, b) => nameWeakness(a) - nameWeakness(b));
  const named = byName.find((type) => machineType(type).found.name?.test(instance.name.toLowerCase()));
  return named && { type: named, why: "by its name only; please check" };
}

function nameWeakness(type: MachineTypeName): number {
  return machineType(type).found.nameIsWeak === true ? 1 : 0;
}

/**
 * Proposes an entry for every container of the host that the site does not list. It changes nothing there. Throws where
 * there is no container at all: LXD answers so for a project that does not exist, too.
 */
export async function discover(options: DiscoverOptions): Promise<Discovery> {
  const known = new Set(options.known.map((name) => name.toLowerCase()));
  const all = readInstances(await options.run(lxc(options, "list --format json")));
  if (all.length === 0) {
    throw new Error(
      `the host has no container in the LXD project "${options.lxdProject}"; is lxdProject right?`,
    );
  }
  const instances = all
    .filter(({ name }) => hostName.safeParse(name).success && !known.has(name.toLowerCase()))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const proposals: Proposal[] = [];
  const notes: string[] = [];
  for (const instance of instances) {
    const proposal = await propose(instance, options);
    if (typeof proposal === "string") notes.push(`${instance.name}: ${proposal}`);
    else proposals.push(proposal);
  }
  return { proposals, notes };
}

/** An entry, or why there is none. */
async function propose(instance: Instance, options: DiscoverOptions): Promise<Proposal | string> {
  const { name, addresses, running } = instance;
  const ip = addresses.find(options.inNetwork);
  if (ip === undefined) {
    return addresses.length === 0
      ? "has no IPv4 address"
      : `is not in the site's network: ${addresses.join(", ")}`;
  }
  const installed = running
    ? await options
        .run(lxc(options, `exec ${name} --mode non-interactive -- bash -s`), options.probe)
        .then((text) => text.split(/\s+/).filter((word) => word !== ""))
        .catch(() => undefined)
    : undefined;
  const guess = guessType(instance, installed);
  if (guess === undefined) {
    const looked = installed ? "nothing that is known is installed" : "it could not be looked into";
    return `its type cannot be guessed (${looked}); its address is ${ip}`;
  }
  return { entry: { name, ip, type: guess.type }, why: guess.why };
}

/** A call of lxc on the host; snap's lxc is not always on sudo's path. `project` and names are checked words. */
function lxc({ user, lxdProject }: DiscoverOptions, call: string): string {
  const [command = "", ...rest] = call.split(" ");
  const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";
  return asRoot(user, `env ${path} lxc ${command} --project ${lxdProject} ${rest.join(" ")}`);
}
