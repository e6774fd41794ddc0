import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { errorText } from "../../core/errors";
import type { Json } from "../../core/json";
import { freePort } from "../../core/ports";
import { waitFor } from "../../core/wait";

/** A real Elasticsearch, for tests and tools. */
export interface RealElasticsearch {
  /** Where it listens on the loopback. */
  readonly port: number;
  /** One request. Throws with Elasticsearch's reason where it refuses. */
  call(method: string, path: string, body?: object): Promise<Json>;
  /** Many lines (`_bulk`, `_msearch`) as NDJSON. Throws where a bulk's action was refused. */
  bulk(path: string, lines: readonly object[]): Promise<Json>;
  /** The same server, asked with an API key (as it was given: `encoded`). */
  withKey(encoded: string): RealElasticsearch;
}

/** A busy machine takes minutes: with other suites and a lab beside it. */
const START_SECONDS = 300;
/** Debian's `nobody`: Elasticsearch refuses to run as root. */
const UNPRIVILEGED = 65534;

let running: Promise<RealElasticsearch> | undefined;

/**
 * The one Elasticsearch of this process: that of ELASTICSEARCH_URL (with its login in it), or one that is assembled once
 * (commands/elasticsearch/fetch.sh) and runs on a free port of the loopback until this process ends.
 */
export function realElasticsearch(): Promise<RealElasticsearch> {
  const { ELASTICSEARCH_URL } = process.env;
  running ??= ELASTICSEARCH_URL ? connect(ELASTICSEARCH_URL) : start();
  return running;
}

function loginOf({ username, password }: URL): string | undefined {
  if (username === "") return undefined;
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(login).toString("base64")}`;
}

function client(given: string, authorization = loginOf(new URL(given))): RealElasticsearch {
  const url = new URL(given);
  const base = `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, "")}`;
  const send = async (method: string, path: string, type: string, body?: string): Promise<Json> => {
    const response = await fetch(base + path, {
      method,
      body,
      headers: {
        ...(body !== undefined && { "content-type": type }),
        ...(authorization !== undefined && { authorization }),
      },
    });
    const text = await response.text();
    if (!response.ok)
      throw new Error(`Elasticsearch: ${method} ${path}: ${response.status} ${text.slice(0, 20_000)}`);
    return JSON.parse(text) as Json;
  };
  return {
    port: Number(url.port),
    withKey: (encoded) => client(given, `ApiKey ${encoded}`),
    call: (method, path, body) => send(method, path, "application/json", body && JSON.stringify(body)),
    bulk: async (path, lines) => {
      const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
      const answer = await send("POST", path, "application/x-ndjson", body);
      if (answer.errors !== true) return answer;
      const refused = (answer.items as Record<string, { error?: unknown }>[])
        .flatMap((item) => Object.values(item))
        .find(({ error }) => error !== undefined);
      throw new Error(
        `Elasticsearch: ${path}: an action was refused: ${JSON.stringify(refused).slice(0, 2000)}`,
      );
    },
  };
}

/** Waits until it is healthy; `failed` says why it never will be. */
async function connect(
  url: string,
  failed: () => string | undefined = () => undefined,
): Promise<RealElasticsearch> {
  const elasticsearch = client(url);
  let last = "";
  const what = `a healthy Elasticsearch at ${new URL(url).host}`;
  return waitFor(
    { what, seconds: START_SECONDS, pauseMs: 300, details: () => `; it last said: ${last}` },
    async () => {
      try {
        await elasticsearch.call("GET", "/_cluster/health?wait_for_status=yellow&timeout=5s");
        return elasticsearch;
      } catch (error) {
        const reason = failed();
        if (reason !== undefined) throw new Error(reason, { cause: error });
        last = errorText(error);
        return undefined;
      }
    },
  );
}

/** The folder of the assembled Elasticsearch; assembles it where it is missing or old (some minutes, once). */
function assembled(): string {
  const steps = execFileSync("bash", [join(__dirname, "fetch.sh")], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  return steps.trimEnd().split("\n").at(-1) ?? "";
}

async function start(): Promise<RealElasticsearch> {
  const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-elasticsearch-"));
  // A copy, as the cache may be in a folder that only root can enter, and nothing may be written to it.
  const home = join(folder, "home");
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  cpSync(assembled(), home, { recursive: true });
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    execFileSync("chown", ["-R", `${UNPRIVILEGED}:${UNPRIVILEGED}`, folder]);
  }
  const ports = [await freePort(), await freePort()];
  const settings = {
    "discovery.type": "single-node",
    "http.port": ports[0],
    "transport.port": ports[1],
    "network.host": "127.0.0.1",
    // With keys to try, and everything allowed to whom comes without one.
    "xpack.security.enabled": true,
    "xpack.security.http.ssl.enabled": false,
    "xpack.security.transport.ssl.enabled": false,
    "xpack.security.authc.anonymous.roles": "superuser",
    "cluster.routing.allocation.disk.threshold_enabled": false,
  };
  const log = join(folder, "log");
  const out = openSync(log, "w");
  const java = realpathSync(execFileSync("which", ["java"], { encoding: "utf8" }).trim());
  const child = spawn(
    join(home, "bin/elasticsearch"),
    Object.entries(settings).map(([name, value]) => `-E${name}=${value}`),
    {
      // A group of its own: the launcher and the server end together.
      detached: true,
      stdio: ["ignore", out, out],
      cwd: home,
      ...(asRoot && { uid: UNPRIVILEGED, gid: UNPRIVILEGED }),
      env: {
        PATH: process.env.PATH,
        HOME: temporary,
        ES_JAVA_HOME: dirname(dirname(java)),
        ES_JAVA_OPTS: "-Xms512m -Xmx512m",
        ES_TMPDIR: temporary,
        // The launcher's own.
        CLI_JAVA_OPTS: `-Djava.io.tmpdir=${temporary}`,
      },
    },
  );
  child.unref();
  let ended: string | undefined;
  child.once("error", (error) => (ended = `Elasticsearch cannot start: ${error.message}`));
  child.once("exit", (code) => {
    ended = `Elasticsearch ended by itself (${code}):\n${readFileSync(log, "utf8").slice(-3000)}`;
  });
  process.once("exit", () => {
    if (ended === undefined && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  return connect(`http://127.0.0.1:${ports[0]}`, () => ended);
}
