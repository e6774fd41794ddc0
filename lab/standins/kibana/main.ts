import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { keystoreCommand, keystorePath } from "./keystore";
import type { Runner } from "./runner";
import { createKibana } from "./server";
import { loadSettings } from "./settings";

const log: Runner["log"] = (level, area, line) =>
  console.log(`[${new Date().toISOString()}][${level.padEnd(5)}][${area}] ${line}`);

function configFile(args: string[]): string {
  const at = args.findIndex((arg) => arg === "--config" || arg === "-c");
  return (at >= 0 && args[at + 1]) || join(process.env.KBN_PATH_CONF ?? "/etc/kibana", "kibana.yml");
}

/** `keystore ...` is `kibana-keystore`; anything else starts the server, as `bin/kibana` does. */
async function main([command, ...rest]: string[]): Promise<void> {
  const args = process.argv.slice(2);
  if (command === "keystore") {
    const path = keystorePath(dirname(configFile([])));
    process.exitCode = await keystoreCommand(
      rest,
      path,
      () => text(process.stdin),
      (line) => console.log(line),
    );
    return;
  }
  const settings = loadSettings(configFile(args));
  const { server, tick, close } = createKibana(settings, log);
  const { host, port, basePath, ssl } = settings.server;
  await once(server.listen(port, host), "listening");
  log(
    "INFO",
    "http.server",
    `http server running at http${ssl.enabled ? "s" : ""}://${host}:${port}${basePath}`,
  );
  if (settings.pid.file) writeFileSync(settings.pid.file, String(process.pid));
  const failed = (error: Error) => log("ERROR", "plugins.taskManager", error.message);
  const timer = setInterval(() => void tick(new Date()).catch(failed), 500);
  process.on("SIGTERM", () => {
    clearInterval(timer);
    void close();
  });
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(` FATAL  Error: ${error.message}`);
  process.exitCode = 64;
});
