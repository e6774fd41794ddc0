import { sendRequest, basicAuth, type Reply } from "../connection/https";
import { search, type Login } from "./elasticsearch";
import { FQDN, PROXY_ADDRESS } from "./places";
import { field } from "./report";
import { until } from "./shell";

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
): Promise<Reply> {
  const { body, headers, address = PROXY_ADDRESS } = options;
  return sendRequest({
    ...{ origin: `https://${address}`, name: FQDN, anyCertificate: true, method, path, seconds: 15 },
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
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

const ADMIN = { authorization: basicAuth("admin", "district") };

/** One request as a logged-in superuser; it must be answered with 200. */
export async function asAdmin(method: string, path: string, body?: unknown): Promise<void> {
  const { status } = await throughProxy(method, path, { body, headers: ADMIN });
  if (status !== 200) throw new Error(`${method} ${path} was answered with ${status}`);
}

async function times(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index++) await act(index);
}

/** One thing that an attacker does to the site, and the title of the rule that should alert of it. */
export interface Attack {
  readonly rule: string;
  readonly act: () => Promise<unknown>;
}

/** What the lab does to its site, through the site's proxy. */
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

/** Does them all, in turn. Gives the time before. */
export async function attackSite(onAttack: (attack: Attack) => void = () => undefined): Promise<string> {
  const since = new Date().toISOString();
  for (const attack of ATTACKS) {
    onAttack(attack);
    await attack.act();
  }
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

/** The alerts since a time, once each of these rules has one or the time is over; and the rules that have none. */
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
