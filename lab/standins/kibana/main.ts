import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { runDue } from "./rules";
import { openKibana } from "./saved";
import { createServer } from "./server";
import { keystoreCommand, loadSettings } from "./settings";

/** `keystore ...` is `kibana-keystore`; without arguments it starts the server, as `bin/kibana` does. */
async function main([command, ...rest]: string[]): Promise<void> {
  const folder = process.env.KBN_PATH_CONF ?? "/etc/kibana";
  if (command === "keystore") {
    for (const line of await keystoreCommand(rest, folder, () => text(process.stdin))) console.log(line);
    return;
  }
  const settings = loadSettings(folder);
  const kibana = openKibana(settings, console.log);
  await once(createServer(kibana).listen(settings["server.port"], settings["server.host"]), "listening");
  for (;;) {
    await runDue(kibana, new Date()).catch((error: Error) => console.log(error.message));
    await sleep(500);
  }
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(`FATAL Error: ${error.message}`);
  process.exitCode = 64;
});
