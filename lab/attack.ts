import { sendRequest, basicAuth, type Reply } from "../connection/https";
import { search, type Login } from "./elasticsearch";
import { FQDN, PROXY_ADDRESS } from "./places";
import { field } from "./report";
import { until } from "./shell";

/** Sends a request through the site's proxy and returns the reply. Any certificate is accepted: the lab's proxy has a self-signed one. */
export function throughProxy(
  method: string,
  path: string,
  options: {
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
    /** The proxy's address. Default: the site's nginx. */
    readonly address?: string;
  } = {},
): Promise<Reply> {
  const { body, headers, address = PROXY_ADDRESS } = options;
  return sendRequest({
    ...{ origin: `https://${address}`, name: FQDN, anyCertificate: true, method, path, seconds: 15 },
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** Tries to log in to the site's DHIS2, and returns whether this succeeded. Throws an Error at any other reply than 200 or 401. */
export async function login(username: string, password: string): Promise<boolean> {
  const { status } = await throughProxy("POST", "/dhis/api/auth/login", { body: { username, password } });
  if (status !== 200 && status !== 401) throw new Error(`DHIS2's login answered ${status}`);
  return status === 200;
}

/** Sends four wrong passwords for one user through the site's proxy. Returns the time before the first (ISO). */
export async function guessPasswords(username: string): Promise<string> {
  const since = new Date().toISOString();
  for (const guess of ["admin", "password", "123456", "dhis2"]) {
    if (await login(username, guess)) throw new Error(`the password "${guess}" was right`);
  }
  return since;
}

const ADMIN = { authorization: basicAuth("admin", "district") };

/** Sends a request as a superuser. Throws an Error unless the reply is 200. */
export async function asAdmin(method: string, path: string, body?: unknown): Promise<void> {
  const { status } = await throughProxy(method, path, { body, headers: ADMIN });
  if (status !== 200) throw new Error(`${method} ${path} was answered with ${status}`);
}

async function times(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index++) await act(index);
}

/** An attack on the site, and the title of the rule that must alert. */
export interface Attack {
  readonly rule: string;
  readonly act: () => Promise<unknown>;
}

/** The attacks on the lab's site, all through the site's proxy. */
export const ATTACKS: readonly Attack[] = [
  { rule: "Failed DHIS2 Logins for One User", act: () => guessPasswords("admin") },
  { rule: "Failed DHIS2 Logins from One Address", act: () => guessPasswords("nurse1") },
  {
    rule: "Burst of Denied Requests from One Address",
    act: () => times(30, () => throughProxy("PUT", "/dhis/api/users/xE7jOejl9FI", { body: {} })),
  },
  {
    rule: "Scanner by Its Paths",
    act: () =>
      times(5, (index) =>
        throughProxy(
          "GET",
          ["/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/", "/.aws/credentials"][index] ?? "",
        ),
      ),
  },
  {
    rule: "Scanner by Its User Agent",
    act: () => throughProxy("GET", "/dhis/", { headers: { "user-agent": "sqlmap/1.7.2#stable" } }),
  },
  { rule: "Path Traversal in a Request", act: () => throughProxy("GET", "/dhis/..%2f..%2fetc/passwd") },
  {
    rule: "Injection in a Request",
    act: () => throughProxy("GET", "/dhis/api/users?query=x%27%20OR%201=1;SELECT%20pg_sleep(5)--"),
  },
  {
    rule: "DHIS2 Superuser Account or Role Edited",
    act: () => asAdmin("PUT", "/dhis/api/users/xE7jOejl9FI", { username: "nurse1" }),
  },
  { rule: "DHIS2 API Token Made", act: () => asAdmin("POST", "/dhis/api/apiToken", { expire: 0 }) },
  {
    rule: "DHIS2 SQL View Made or Changed",
    act: () => asAdmin("POST", "/dhis/api/sqlViews", { name: "all", sqlQuery: "select * from userinfo" }),
  },
  {
    rule: "DHIS2 System Setting Changed",
    act: () => asAdmin("POST", "/dhis/api/systemSettings/lockMultipleFailedLogins", false),
  },
  {
    rule: "Mass Deletion in DHIS2",
    act: () => times(20, (index) => asAdmin("DELETE", `/dhis/api/dataElements/Element${1000 + index}`)),
  },
  {
    rule: "Bulk Export from DHIS2 by Number",
    act: () => times(100, () => asAdmin("GET", "/dhis/api/dataValueSets")),
  },
];

/** Makes all attacks, one after the other. Returns the time before the first (ISO). */
export async function attackSite(onAttack: (attack: Attack) => void = () => undefined): Promise<string> {
  const since = new Date().toISOString();
  for (const attack of ATTACKS) {
    onAttack(attack);
    await attack.act();
  }
  return since;
}

/**
 * Waits at most `seconds` for an alert that `wanted` accepts, and returns all alerts since a time. (After an alert, a rule is
 * silent for the length of its window.) Throws an Error at the deadline.
 */
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

/** Waits at most `seconds` until each of these rules has an alert. Returns the alerts since a time, and the rules without one. */
export async function alertsOf(
  rules: readonly string[],
  as: Login,
  index: string,
  since: string,
  seconds = 420,
): Promise<{ alerts: Record<string, unknown>[]; missing: string[] }> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const alerts = await search(as, index, { range: { "@timestamp": { gte: since } } }, 200);
    const seen = new Set(alerts.map((alert) => field(alert, "rule.name")));
    const missing = rules.filter((rule) => !seen.has(rule));
    if (missing.length === 0 || Date.now() > end) return { alerts, missing };
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
