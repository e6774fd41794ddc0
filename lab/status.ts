import { run, script } from "./shell";
import { LXD_PROJECT } from "./places";

interface Part {
  readonly part: string;
  readonly state: string;
}

/** Which parts of the lab exist. */
export async function status(): Promise<Part[]> {
  return [
    await part("LXD", "host/lxd.sh"),
    await part("SSH server", "host/sshd.sh"),
    await part("packages' mirror", "host/mirror.sh"),
    await part("receivers of alerts", "host/receivers.sh"),
    ...(await containers()),
  ];
}

/** Prints which parts of the lab exist, as a table or as JSON. */
export async function printStatus(json: boolean): Promise<void> {
  const parts = await status();
  if (json) return console.log(JSON.stringify(parts, undefined, 2));
  const width = Math.max(...parts.map(({ part }) => part.length));
  for (const { part, state } of parts) console.log(`${part.padEnd(width)}  ${state}`);
}

async function part(name: string, path: string): Promise<Part> {
  return {
    part: name,
    state: await script(path, ["status"]).then(
      (text) => text.trim() || "up",
      () => "down",
    ),
  };
}

async function containers(): Promise<Part[]> {
  const list = await run("lxc", ["list", "--project", LXD_PROJECT, "--format", "csv", "-c", "ns4"]).catch(
    () => "",
  );
  return list
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [name = "", state = "", address = ""] = line.split(",");
      return { part: `container ${name}`, state: `${state.toLowerCase()} ${address}`.trim() };
    });
}
