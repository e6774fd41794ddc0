import { rmSync } from "node:fs";
import { Listr } from "listr2";
import { LAB_RUN, LAB_STATE } from "./places";
import { script } from "./shell";
import { CA_FILE } from "./stack";

/** Removes the lab: its LXD project with all containers, its login, its servers and its state. The cache stays. */
export async function down(): Promise<void> {
  await new Listr([
    { title: "the receivers of alerts", task: () => script("host/receivers.sh", ["down"]) },
    { title: "the packages' mirror", task: () => script("host/mirror.sh", ["down"]) },
    { title: "the SSH server and login", task: () => script("host/sshd.sh", ["down"]) },
    { title: "the containers and their LXD project", task: () => script("host/lxd.sh", ["down"]) },
    {
      title: "the lab's state",
      task: () =>
        [LAB_STATE, LAB_RUN, CA_FILE].forEach((path) => rmSync(path, { recursive: true, force: true })),
    },
  ]).run();
}
