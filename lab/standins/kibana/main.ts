import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createKibana } from "./server";
import { keystoreCommand, keystorePath, loadSettings } from "./settings";

/** `keystore ...` is `kibana-keystore`; without arguments it starts the server, as `bin/kibana` does. */
async function main([command, ...rest]: string[]): Promise<void> {
  const configFile = join(process.env.KBN_PATH_CONF ?? "/etc/kibana", "kibana.yml");
  if (command === "keystore") {
    const lines = await keystoreCommand(rest, keystorePath(configFile), () => text(process.stdin));
    lines.forEach((line) => console.log(line));
    return;
  }
  const settings = loadSettings(configFile);
  const { server, tick } = createKibana(settings, console.log);
  await once(server.listen(settings["server.port"], settings["server.host"]), "listening");
  console.log(`listening on ${settings["server.host"]}:${settings["server.port"]}`);
  setInterval(() => void tick(new Date()).catch((error: Error) => console.log(error.message)), 500);
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(`FATAL Error: ${error.message}`);
  process.exitCode = 64;
});
