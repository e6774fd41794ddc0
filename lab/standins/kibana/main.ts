import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { runDue } from "./rules";
import { openKibana } from "./kibana";
import { createServer } from "./server";
import { loadSettings } from "./settings";

/** Starts the server as `bin/kibana` does, and runs the rules. */
async function main(): Promise<void> {
  const settings = loadSettings(process.env.KBN_PATH_CONF ?? "/etc/kibana");
  const kibana = openKibana(settings, console.log);
  await once(createServer(kibana).listen(settings["server.port"], settings["server.host"]), "listening");
  for (;;) {
    await runDue(kibana, new Date()).catch((error: Error) => console.log(error.message));
    await sleep(500);
  }
}

main().catch((error: Error) => {
  console.error(`FATAL Error: ${error.message}`);
  process.exitCode = 64;
});
