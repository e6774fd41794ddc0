/**
 * Stand-in for @pulumi/command 1.2.1's plugin, `remote.Command` only: commands over the SSH of the program's own
 * connection code. Like the real plugin: a preview opens no connection; a refresh finds nothing; a command's output is on the
 * screen only while it runs; the error of a failed command contains the command and all its output; stdout and stderr do not
 * become secret because an input is. Unlike the real plugin, it requires a pinned host key, and uses one private key (or the
 * SSH agent) for both the host and its bastion.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "ssh2";
import type { SshHost } from "../../../config/site";
import { connectSsh } from "../../../connection/ssh";
import { isObject, plain, type Props, secret } from "./marks";
import { inputChange, refuse, serve, type Standin, type Subject } from "./serve";

const TOKEN = "command:remote:Command";
const INPUTS = ["create", "update", "delete", "stdin", "logging", "addPreviousOutputInEnv", "connection"];
const CONNECTION_DEFAULTS = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
const CONNECTION = [...Object.keys(CONNECTION_DEFAULTS), "host", "hostKey", "privateKey", "proxy"];

interface Connection extends SshHost {
  readonly privateKey?: string;
  readonly proxy?: SshHost;
  /** How often it tries again after the first attempt. */
  readonly dialErrorLimit: number;
  /** The time limit of each attempt, in seconds. */
  readonly perDialTimeout: number;
}

function withDefaults(given: unknown): Props {
  const connection = isObject(given) ? given : {};
  refuse("a connection", Object.keys(connection), CONNECTION);
  if (connection.host === undefined || connection.hostKey === undefined) {
    throw new Error("the stand-in for the command provider needs the connection's host and hostKey");
  }
  const proxy = connection.proxy === undefined ? {} : { proxy: withDefaults(connection.proxy) };
  return { ...CONNECTION_DEFAULTS, ...connection, ...proxy };
}

/** Tries as often as the connection's settings say, after any error. The pauses grow from 0.1 s by half each time, up to 5 s. */
async function dial({ proxy: bastion, ...host }: Connection, subject: Subject): Promise<Client> {
  for (let failed = 0; ; failed++) {
    try {
      return await connectSsh({ ...host, bastion }, host.perDialTimeout);
    } catch (error) {
      const reason = (error as Error).message;
      if (failed >= host.dialErrorLimit) throw new Error(`after ${failed} failed attempts: ${reason}`);
      subject.log("status", `Dial ${failed + 1}/${host.dialErrorLimit} failed: retrying`);
      await pause(Math.min(100 * 1.5 ** failed, 5000));
    }
  }
}

/** Collects a stream's text, passes on each complete line, and returns the whole text at the end. */
function collect(stream: NodeJS.ReadableStream, all: Buffer[], onLine: (line: string) => void): () => string {
  const chunks: Buffer[] = [];
  let pending = "";
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    all.push(chunk);
    const lines = (pending + chunk.toString()).split("\n");
    pending = lines.pop() ?? "";
    lines.forEach(onLine);
  });
  return () => {
    if (pending !== "") onLine(pending);
    return Buffer.concat(chunks).toString().replace(/\n$/, "");
  };
}

function execute(client: Client, subject: Subject, command: string, inputs: Props): Promise<Props> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      const all: Buffer[] = [];
      const { logging = "stdoutAndStderr" } = inputs;
      const logs = (stream: string) => (line: string) => {
        if (logging === stream || logging === "stdoutAndStderr") subject.log("status", line);
      };
      const stdout = collect(channel, all, logs("stdout"));
      const stderr = collect(channel.stderr, all, logs("stderr"));
      let ending: string | undefined = "the connection ended before the command";
      channel.on("exit", (code: number | null, signal?: string) => {
        if (code === null) ending = `Process exited from signal ${signal?.replace(/^SIG/, "")}`;
        else ending = code === 0 ? undefined : `Process exited with status ${code}`;
      });
      channel.on("close", () => {
        const output = { stdout: stdout(), stderr: stderr() };
        if (ending === undefined) return resolve(output);
        const shown = Buffer.concat(all).toString();
        reject(new Error(`${ending}: running ${JSON.stringify(command)}:\n${shown}`));
      });
      // A command can end before it has read its whole stdin.
      channel.on("error", () => undefined);
      channel.end(inputs.stdin);
    });
  });
}

/** Returns a command's output; the output of the last command if there is nothing to run. */
async function run(subject: Subject, command: unknown, inputs: Props, last: Props = {}): Promise<Props> {
  if (typeof command !== "string") return { stdout: last.stdout ?? "", stderr: last.stderr ?? "" };
  const client = await dial(inputs.connection as Connection, subject);
  try {
    return await execute(client, subject, command, inputs);
  } finally {
    client.end();
  }
}

/** Returns the provider's methods. */
export const command: Standin = {
  version: "1.2.1",
  check(token, news) {
    if (token !== TOKEN) throw new Error(`the stand-in for the command provider has no ${token}`);
    refuse(token, Object.keys(news), INPUTS);
    if (news.addPreviousOutputInEnv !== false) {
      throw new Error("the stand-in for the command provider needs addPreviousOutputInEnv: false");
    }
    return { ...news, connection: secret(withDefaults(plain(news.connection))) };
  },
  diff: (_token, _state, olds, news) => inputChange(olds, news, []),
  computed: () => ({ create: ["stdout", "stderr"], update: ["stdout", "stderr"] }),
  secrets: () => ["connection"],
  async create(subject, inputs) {
    const output = await run(subject, inputs.create, inputs);
    return { id: `${subject.name}${randomBytes(4).toString("hex")}`, outputs: { ...inputs, ...output } };
  },
  async update(subject, _id, state, inputs) {
    return { ...inputs, ...(await run(subject, inputs.update ?? inputs.create, inputs, state)) };
  },
  async delete(subject, _id, state) {
    await run(subject, state.delete, state);
  },
};

if (require.main === module) serve(command);
