/**
 * Stand-in for @pulumi/command 1.2.1's plugin, `remote.Command` only: commands over SSH, with the real one's defaults
 * and words. As there: a preview never dials, a refresh sees nothing, a failing command's message holds the command
 * and all its output, and stdout and stderr are not secret because an input is. Unlike there, a variable of
 * `environment` that sshd does not accept is not noticed (ssh2 asks for no answer).
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:os";
import type { Client, ClientChannel } from "ssh2";
import { isObject, isSecret, plain, type Props, secret } from "./marks";
import { inputChange, serve, type Standin, type Subject } from "./serve";
import { dial, type Hop } from "./ssh";

const TOKEN = "command:remote:Command";
const CONNECTION_DEFAULTS = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };

interface Command {
  readonly create?: string;
  readonly update?: string;
  readonly delete?: string;
  readonly stdin?: string;
  readonly logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
  readonly environment?: Readonly<Record<string, string>>;
  readonly addPreviousOutputInEnv?: boolean;
  readonly connection: Hop & { readonly proxy?: Hop };
}

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

function withDefaults(connection: Props): Props {
  const proxy = isObject(connection.proxy) ? { proxy: withDefaults(connection.proxy) } : {};
  return { ...CONNECTION_DEFAULTS, ...connection, ...proxy };
}

/** What the command finds in its environment, where sshd accepts it. */
function environment(inputs: Command, previous: Output): Record<string, string> {
  const passesOn = inputs.addPreviousOutputInEnv ?? true;
  return {
    ...inputs.environment,
    ...(passesOn && previous.stdout !== "" ? { PULUMI_COMMAND_STDOUT: previous.stdout } : {}),
    ...(passesOn && previous.stderr !== "" ? { PULUMI_COMMAND_STDERR: previous.stderr } : {}),
  };
}

/** Collects a stream's text, hands on each whole line, and gives the text at the end. */
function collect(
  stream: NodeJS.ReadableStream,
  both: Buffer[],
  onLine?: (line: string) => void,
): () => string {
  const chunks: Buffer[] = [];
  let pending = "";
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    both.push(chunk);
    if (!onLine) return;
    const lines = (pending + chunk.toString()).split("\n");
    pending = lines.pop() ?? "";
    lines.forEach(onLine);
  });
  return () => {
    if (onLine && pending !== "") onLine(pending);
    return Buffer.concat(chunks).toString();
  };
}

function execute(
  client: Client,
  subject: Subject,
  command: string,
  inputs: Command,
  previous: Output,
): Promise<Output> {
  return new Promise((resolve, reject) => {
    client.on("error", reject);
    client.exec(command, { env: environment(inputs, previous) }, (error, channel: ClientChannel) => {
      if (error) return reject(error);
      const both: Buffer[] = [];
      const logs = (stream: string) =>
        inputs.logging === undefined || inputs.logging === stream || inputs.logging === "stdoutAndStderr";
      const onLine = (line: string) => subject.log("info", line);
      const stdout = collect(channel, both, logs("stdout") ? onLine : undefined);
      const stderr = collect(channel.stderr, both, logs("stderr") ? onLine : undefined);
      let ending = "wait: remote command exited without exit status or exit signal";
      let failed = true;
      channel.on("exit", (code: number | null, signal?: string) => {
        failed = code !== 0;
        ending = `Process exited with status ${code ?? signalStatus(signal)}`;
        if (code === null) ending += ` from signal ${signal?.replace(/^SIG/, "")}`;
      });
      channel.on("close", () => {
        const output = { stdout: stdout().replace(/\n$/, ""), stderr: stderr().replace(/\n$/, "") };
        if (!failed) return resolve(output);
        reject(
          new Error(`${ending}: running ${JSON.stringify(command)}:\n${Buffer.concat(both).toString()}`),
        );
      });
      // A command may end without reading its stdin.
      channel.on("error", () => undefined);
      channel.end(inputs.stdin ?? "");
    });
  });
}

function signalStatus(signal = ""): number {
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

async function run(subject: Subject, command: string | undefined, state: Props): Promise<Output> {
  const inputs = state as unknown as Command;
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const previous = { stdout: text(state.stdout), stderr: text(state.stderr) };
  if (command === undefined) return previous;
  const { proxy, ...target } = inputs.connection;
  const clients = await dial(target, proxy, (line) => subject.log("info", line));
  try {
    return await execute(clients[0], subject, command, inputs, previous);
  } finally {
    clients.forEach((client) => client.end());
  }
}

/** The provider's methods. */
export const command: Standin = {
  version: "1.2.1",
  check(token, news) {
    if (token !== TOKEN)
      throw new Error(`the stand-in for the command provider has no ${token}, only ${TOKEN}`);
    const given = isSecret(news.connection) ? news.connection.value : news.connection;
    if (!isObject(given)) return { inputs: { ...news, connection: secret(given) } };
    if (plain(given).host === undefined) {
      return { failures: [{ property: "connection.host", reason: "missing required property" }] };
    }
    return { inputs: { ...news, connection: secret(withDefaults(given)) } };
  },
  diff: (_token, _state, olds, news) => inputChange(olds, news, ["triggers"]),
  computed: () => ({ create: ["stdout", "stderr"], update: ["stdout", "stderr"] }),
  secrets: () => ["connection"],
  async create(subject, inputs) {
    const output = await run(subject, inputs.create as string | undefined, inputs);
    return { id: `${subject.name}${randomBytes(4).toString("hex")}`, outputs: { ...inputs, ...output } };
  },
  async update(subject, _id, { stdout, stderr }, inputs) {
    const line = (inputs.update ?? inputs.create) as string | undefined;
    return { ...inputs, ...(await run(subject, line, { ...inputs, stdout, stderr })) };
  },
  async delete(subject, _id, state) {
    await run(subject, state.delete as string | undefined, state);
  },
};

if (require.main === module) serve(command);
