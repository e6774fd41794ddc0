import { address } from "../places";
import { script } from "../shell";
import { up, updateStack } from "../up";
import { siteVariant } from "../variants";
import { type Progress, seconds } from "./measure";

/** How long an `up` takes that adds one agent, or ten, in seconds. */
export interface AgentsResult {
  readonly one: number;
  readonly ten: number;
}

const CONTAINERS = Array.from({ length: 10 }, (_, index) => ({
  name: `bench${index + 1}`,
  ip: address(100 + index),
  // An agent of this type does not need the program in the container.
  type: "dhis2",
}));

/** Measures adding one agent to the lab's site, and then ten, each in a new container. */
export async function benchAgents(progress: Progress): Promise<AgentsResult> {
  progress("the lab");
  await up();
  const made: string[] = [];
  try {
    const add = async (name: string, ip: string) => {
      await script("host/site.sh", ["add", name, ip, "bare"]);
      made.push(name);
    };
    const adding = async (count: number): Promise<number> => {
      progress(`${count} agent${count === 1 ? "" : "s"}`);
      const some = CONTAINERS.slice(0, count);
      for (const { name, ip } of some) await add(name, ip);
      const site = siteVariant("bench", (text) => text.containers.push(...some));
      const time = await seconds(() => updateStack({ site }));
      await updateStack();
      for (const name of made.splice(0)) await script("host/site.sh", ["remove", name]);
      return time;
    };
    return { one: await adding(1), ten: await adding(10) };
  } finally {
    for (const name of made) await script("host/site.sh", ["remove", name]);
  }
}
