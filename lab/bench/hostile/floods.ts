/** What a hostile neighbour or stranger sends to the lab's site. All of it is bounded in count and time, and stays in the lab. */
import { Agent, request } from "node:https";
import { address, BRIDGE, FQDN, PROXY_ADDRESS } from "../../places";
import { inContainer, run } from "../../shell";

/** How much of each flood is sent. */
export interface Size {
  readonly addresses: number;
  readonly requestsEach: number;
  readonly lines: number;
  readonly files: number;
  readonly nameBytes: number;
}

/** The floods of `npm run bench:hostile`. */
export const FULL: Size = {
  addresses: 60,
  requestsEach: 50,
  lines: 100_000,
  files: 5000,
  nameBytes: 1_000_000,
};

/** The floods of the lab's check: the same addresses, fewer of the rest. */
export const SHORT: Size = {
  addresses: 60,
  requestsEach: 15,
  lines: 20_000,
  files: 1000,
  nameBytes: 1_000_000,
};

/** The first of the addresses that the requests come from; no machine of the lab's site has them. */
const FIRST_ADDRESS = 110;
/** How long one of the four texts of a request is: nginx takes 12 kB for each (sources/nginx/index.ts). */
const TEXT_BYTES = 11_200;

/** A text that grows fourfold in nginx's log, as each of its bytes becomes \xFF. */
const filler = (bytes: number) => "ÿ".repeat(bytes);

/** Requests that match one rule each: their method, path and User-Agent. */
const KINDS: readonly (readonly [method: string, path: string, userAgent: string])[] = [
  ["POST", "/dhis/api/auth/login", "Mozilla/5.0"],
  ["GET", "/dhis/..%2f..%2fetc/passwd", "Mozilla/5.0"],
  ["GET", "/dhis/api/users?query=x%27%20OR%201=1;SELECT%20pg_sleep(5)--", "Mozilla/5.0"],
  ["GET", "/.env", "sqlmap/1.7.2#stable"],
  ["PUT", "/dhis/api/users/xE7jOejl9FI", "Mozilla/5.0"],
];

/** Sends one hostile request of about 45 kB from an address. Any answer is as good as another; none is an error. */
function sendHostile(agent: Agent, from: string, index: number): Promise<void> {
  const [method = "GET", path = "/", userAgent = ""] = KINDS[index % KINDS.length] ?? [];
  const long = `${path}${path.includes("?") ? "&" : "?"}${filler(TEXT_BYTES - path.length)}`;
  // Base64 makes three bytes of every four.
  const user = Buffer.from(`${filler((TEXT_BYTES * 3) / 8)}:x`).toString("base64");
  return new Promise((resolve) => {
    const sent = request(
      {
        ...{ agent, method, host: PROXY_ADDRESS, path: long, localAddress: from, timeout: 20_000 },
        ...{ rejectUnauthorized: false, servername: FQDN },
        headers: {
          host: FQDN,
          "user-agent": `${userAgent} ${filler(TEXT_BYTES)}`,
          referer: filler(TEXT_BYTES),
          authorization: `Basic ${user}`,
        },
      },
      (response) => {
        response.resume();
        response.on("close", resolve);
      },
    );
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve());
    sent.end();
  });
}

/** Requests from many addresses at once, spread over a minute. */
export async function floodOfRequests({ addresses, requestsEach }: Size): Promise<void> {
  const all = Array.from({ length: addresses }, (_, index) => address(FIRST_ADDRESS + index));
  for (const one of all) await run("ip", ["address", "replace", `${one}/32`, "dev", BRIDGE]);
  try {
    const start = Date.now();
    const pause = 60_000 / requestsEach;
    const oneAddress = async (from: string) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let index = 0; index < requestsEach; index++) {
        const wait = start + index * pause - Date.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        await sendHostile(agent, from, index);
      }
      agent.destroy();
    };
    await Promise.all(all.map(oneAddress));
  } finally {
    for (const one of all) await run("ip", ["address", "delete", `${one}/32`, "dev", BRIDGE]);
  }
}

/** Ordinary lines, each another one, from one container, as fast as its journal takes them. */
export async function floodOfLines(container: string, { lines }: Size): Promise<void> {
  await inContainer(container, [
    "sh",
    "-c",
    `seq -f "an ordinary line of a busy program, number %.0f" ${lines} | logger -t busy`,
  ]);
}

/** Files beside DHIS2's audit log, with its name and a number, written by Tomcat's user; and their removal. */
export async function floodOfFiles(container: string, { files }: Size): Promise<void> {
  const script = `cd /opt/dhis2/logs && for i in $(seq ${files}); do echo "line of file $i" >dhis-audit.log.$((1000 + i)); done`;
  await inContainer(container, ["sh", "-c", script]);
}

export async function removeFiles(container: string, { files }: Size): Promise<void> {
  const script = `cd /opt/dhis2/logs && for i in $(seq ${files}); do rm -f dhis-audit.log.$((1000 + i)); done`;
  await inContainer(container, ["sh", "-c", script]);
}

/** A failed login with a very long user name, written by a unit of Tomcat's, in one line. */
export async function longUserName(container: string, { nameBytes }: Size): Promise<void> {
  const script = [
    'printf "* INFO  %s Authentication event: AuthenticationFailureBadCredentialsEvent; username: " "$(date -u +%Y-%m-%dT%H:%M:%S,000)" >/tmp/hostile-line',
    `head -c ${nameBytes} /dev/zero | tr "\\0" a >>/tmp/hostile-line`,
    'printf "; exception: Bad credentials (AuthenticationLoggerListener.java [tomcat-http-1])\\n" >>/tmp/hostile-line',
    "systemd-run --quiet --wait --collect --unit=tomcat9-hostile -p SyslogIdentifier=tomcat9 cat /tmp/hostile-line",
    "rm /tmp/hostile-line",
  ];
  await inContainer(container, ["sh", "-ec", script.join("\n")]);
}
