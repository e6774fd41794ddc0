import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, type Json } from "./words";

/** Where the keystore is: beside `kibana.yml`. */
export const keystorePath = (configFolder: string): string => join(configFolder, "kibana.keystore");

/** The secret settings of a keystore file, none if there is no file. Errors when it is no keystore. */
export function readKeystore(path: string): Json {
  if (!existsSync(path)) return {};
  const content: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!isObject(content) || !isObject(content.values)) throw new Error(`${path} is not a Kibana keystore`);
  return content.values;
}

/** Written in place, so that the owner and the mode which the package gave the file stay. */
function write(path: string, values: Json): void {
  writeFileSync(path, JSON.stringify({ version: 1, values }), { mode: 0o660 });
}

/** JSON is stored as what it says, as Kibana does: a password of digits alone becomes a number, and is refused at start. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const usage = "Usage: kibana-keystore create | list | add KEY --stdin [--force] | remove KEY";

/** `kibana-keystore ARGUMENTS`: gives the exit code; values come on stdin only, and are never printed. */
export async function keystoreCommand(
  args: string[],
  path: string,
  readStdin: () => Promise<string>,
  print: (line: string) => void,
): Promise<number> {
  const [command, key] = args.filter((arg) => !arg.startsWith("-"));
  const has = (...flags: string[]) => args.some((arg) => flags.includes(arg));
  if (command === "create") {
    if (existsSync(path)) print("A Kibana keystore already exists. Exiting without modifying keystore.");
    else {
      write(path, {});
      print(`Created Kibana keystore in ${path}`);
    }
    return 0;
  }
  if (!existsSync(path)) {
    print("ERROR: Kibana keystore not found. Use 'create' command to create one.");
    return 1;
  }
  const values = readKeystore(path);
  if (command === "list") Object.keys(values).forEach((name) => print(name));
  else if (command === "remove" && key) {
    delete values[key];
    write(path, values);
  } else if (command === "add" && key && has("--stdin", "-x")) {
    if (key in values && !has("--force", "-f")) {
      print(`Setting ${key} already exists. Exiting without modifying keystore.`);
      return 0;
    }
    const text = (await readStdin()).trim();
    if (!text) {
      print(`ERROR: no value for ${key} on stdin`);
      return 1;
    }
    write(path, { ...values, [key]: parseValue(text) });
  } else {
    print(usage);
    return 64;
  }
  return 0;
}
