import { request } from "node:https";
import { search, type Login } from "./elasticsearch";
import { FQDN, PROXY_ADDRESS } from "./places";
import { until } from "./shell";

export interface Response {
  readonly status: number;
  readonly text: string;
}

/** A request through the site's proxy, as a browser of this host would make it (the lab's proxy has a certificate of its own making). */
export function throughProxy(
  method: string,
  path: string,
  options: {
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
    /** Of another proxy than the site's nginx. */
    readonly address?: string;
  } = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: options.address ?? PROXY_ADDRESS,
        port: 443,
        path,
        method,
        servername: FQDN,
        rejectUnauthorized: false,
        timeout: 15_000,
        headers: { host: FQDN, "content-type": "application/json", ...options.headers },
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    call.on("error", reject);
    call.on("timeout", () =>
      call.destroy(new Error(`the proxy gave no answer to ${path} within 15 seconds`)),
    );
    call.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}

/** One try to log in to the site's DHIS2; true where it succeeded. */
export async function login(username: string, password: string): Promise<boolean> {
  const { status } = await throughProxy("POST", "/dhis/api/auth/login", { body: { username, password } });
  if (status !== 200 && status !== 401) throw new Error(`DHIS2's login answered ${status}`);
  return status === 200;
}

/** Four wrong passwords for one user, through the site's proxy. Gives the time before the first. */
export async function guessPasswords(username: string): Promise<string> {
  const since = new Date().toISOString();
  for (const guess of ["admin", "password", "123456", "dhis2"]) {
    if (await login(username, guess)) throw new Error(`the password "${guess}" was right`);
  }
  return since;
}

/** A superuser edits a user's roles. Gives the time before. */
export async function editSuperuser(): Promise<string> {
  const since = new Date().toISOString();
  const authorization = `Basic ${Buffer.from("admin:district").toString("base64")}`;
  const { status } = await throughProxy("PUT", "/dhis/api/users/xE7jOejl9FI", {
    body: { username: "nurse1" },
    headers: { authorization },
  });
  if (status !== 200) throw new Error(`editing the user answered ${status}`);
  return since;
}

/** The alerts since a time; waits until there is one that `wanted` accepts, at most `seconds` (a rule is silent for its window after it fired). */
export function alertsSince(
  as: Login,
  index: string,
  since: string,
  wanted: (alert: Record<string, unknown>) => boolean,
  seconds = 420,
): Promise<Record<string, unknown>[]> {
  return until("the alert", seconds, async () => {
    const alerts = await search(as, index, { range: { "@timestamp": { gte: since } } });
    return alerts.some(wanted) ? alerts : undefined;
  });
}
