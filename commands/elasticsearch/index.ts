import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { errorText } from "../../core/errors";
import type { Json } from "../../core/json";
import { freePort } from "../../core/ports";
import { waitFor } from "../../core/wait";

/** A real Elasticsearch, for tests and commands. */
export interface RealElasticsearch {
  /** Its HTTP port. */
  readonly port: number;
  /** Sends one request and returns the reply. Throws an Error with Elasticsearch's reply if the status is not 2xx. */
  call(method: string, path: string, body?: object): Promise<Json>;
  /** Sends lines as NDJSON (`_bulk`, `_msearch`) and returns the reply. Throws an Error if Elasticsearch refused an action. */
  bulk(path: string, lines: readonly object[]): Promise<Json>;
  /** Returns a client of the same server that logs in with an API key, in the form that Elasticsearch calls `encoded`. */
  withKey(encoded: string): RealElasticsearch;
}

/** The time limit of the start. It takes minutes if other suites and a lab run at the same time. */
const START_SECONDS = 300;
/** Debian's `nobody`: Elasticsearch refuses to run as root. */
const UNPRIVILEGED = 65534;

let running: Promise<RealElasticsearch> | undefined;

/**
 * Returns the Elasticsearch of this process. If ELASTICSEARCH_URL is set, it is the server at that URL, which may contain a
 * login. Otherwise the first call assembles one (commands/elasticsearch/fetch.sh) and starts it on a free port of the
 * loopback; it runs until this process ends. Throws an Error if the server is not healthy in time.
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

/**
 * Returns a client once the server is healthy.
 * @param failed returns why the server cannot start any more; undefined as long as it can
 */
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

/** Returns the folder of the assembled Elasticsearch. Assembles it first if it is missing or old, which takes some minutes. */
function assembled(): string {
  const steps = execFileSync("bash", [join(__dirname, "fetch.sh")], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  return steps.trimEnd().split("\n").at(-1) ?? "";
}

async function start(): Promise<RealElasticsearch> {
  const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-elasticsearch-"));
  // A copy, because the cache may be in a folder that only root can enter, and the cache must not change.
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
    // Tests need API keys. A request without a key may do everything.
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
      // A process group of its own, so that the launcher and the server can be ended together.
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
        // The options of the launcher's JVM.
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
