/** Stand-in for @pulumi/command's plugin (lab only): `remote.Command` over ssh2, with the real one's words for errors. */
import { randomBytes } from "node:crypto";
import type { Client } from "ssh2";
import { connectSsh } from "../../../reach/ssh";
import { serve, type Made, type Props } from "./serve";

interface Connection extends Props {
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  readonly hostKey: string;
  readonly privateKey?: string;
  readonly proxy?: Connection;
}

/** Runs one command with its stdin; gives stdout, or throws with the command and all its output, as the real one does. */
async function run(inputs: Props, command: string): Promise<{ stdout: string; stderr: string }> {
  const { host, port, user, hostKey, privateKey, proxy } = inputs.connection as Connection;
  const place = (at: Connection) => ({
    host: at.host,
    port: Number(at.port ?? 22),
    user: at.user ?? "root",
    hostKey: at.hostKey,
  });
  const client = await connectSsh({
    ...place({ host, port, user, hostKey }),
    privateKey,
    ...(proxy ? { bastion: place(proxy) } : {}),
  });
  try {
    return await execute(client, command, String(inputs.stdin ?? ""));
  } finally {
    client.end();
  }
}

function execute(
  client: Client,
  command: string,
  stdin: string,
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      let stdout = "";
      let stderr = "";
      channel.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      channel.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      channel.on("error", reject);
      channel.on("close", (code: number | null, signal?: string) => {
        if (code === 0) return resolve({ stdout: trim(stdout), stderr: trim(stderr) });
        const how = code === null ? `signal ${signal}` : `Process exited with status ${code}`;
        reject(new Error(`${how}: running ${JSON.stringify(command)}:\n${stdout}${stderr}`));
      });
      channel.end(stdin);
    });
  });
}

function trim(text: string): string {
  return text.replace(/\n$/, "");
}

async function apply(
  inputs: Props,
  command: string,
  marks: { anySecret: boolean },
): Promise<Omit<Made, "id">> {
  const outputs = await run(inputs, command);
  return { outputs, secret: marks.anySecret ? ["stdout", "stderr"] : [] };
}

serve(
  {
    replaceOn: () => ["triggers"],
    async create(_token, inputs, marks) {
      const made = await apply(inputs, String(inputs.create ?? "true"), marks);
      return { id: `command${randomBytes(8).toString("hex")}`, ...made };
    },
    async update(_token, _id, inputs, _state, marks) {
      return apply(inputs, String(inputs.update ?? inputs.create ?? "true"), marks);
    },
    async delete(_token, _id, state) {
      if (state.delete !== undefined) await run(state, String(state.delete));
    },
  },
  "1.2.1",
);
