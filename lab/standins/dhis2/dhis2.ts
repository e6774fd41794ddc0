/**
 * The lab's stand-in for DHIS2 2.41: logins and changes of some objects, with the log lines that DHIS2 writes for them
 * (formats: AuthenticationLoggerListener and AbstractAuditConsumer of dhis2-core). Only for the lab: its passwords are public.
 */
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

const PORT = 8080;
const AUDIT_LOG = process.env.DHIS2_AUDIT_LOG ?? "/opt/dhis2/logs/dhis-audit.log";
const USERS: Record<string, string> = {
  admin: "district",
  nurse1: "Nurse-1-secret",
  nurse2: "Nurse-2-secret",
  nurse3: "Nurse-3-secret",
  nurse4: "Nurse-4-secret",
};
const SUPERUSER_ROLE = "yrB6vc5Ip3r";

let thread = 0;

/** Writes a line in the layout of DHIS2's own log4j2.xml; Tomcat's unit sends it to the journal. */
function log(message: string, file: string): void {
  const time = new Date().toISOString().slice(0, 23).replace(".", ",");
  thread = (thread % 10) + 1;
  console.log(`* INFO  ${time} ${message} (${file} [tomcat-http-${thread}])`);
}

/** Replaces each character that DHIS2's log sanitiser (2.40 and later) does not accept with an underscore. */
function sanitise(text: string): string {
  return text.replace(/[^A-Za-z0-9 ;:,.'=@_-]/g, "_");
}

function authentication(event: string, details: string): void {
  log(`Authentication event: ${event}; ${details}`, "AuthenticationLoggerListener.java");
}

/** The API's collections whose objects are audited, with their Java classes. */
const KLASSES: Record<string, string> = {
  users: "org.hisp.dhis.user.User",
  apiToken: "org.hisp.dhis.security.apikey.ApiToken",
  sqlViews: "org.hisp.dhis.sqlview.SqlView",
  dataElements: "org.hisp.dhis.dataelement.DataElement",
};
const AUDIT_TYPES: Record<string, string> = { POST: "CREATE", PUT: "UPDATE", DELETE: "DELETE" };

function audit(actor: string, auditType: string, klass: string, uid: string, data: object): void {
  const entry = {
    auditType,
    auditScope: "METADATA",
    createdAt: new Date().toISOString().slice(0, 23),
    createdBy: actor,
    klass,
    uid,
    attributes: {},
    data,
  };
  const time = new Date().toISOString().slice(0, 23).replace(".", ",");
  appendFileSync(
    AUDIT_LOG,
    `* INFO  ${time} ${JSON.stringify(entry)} (AbstractAuditConsumer.java [audit-consumer-1])\n`,
  );
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function unauthorized(response: ServerResponse, message: string): void {
  answer(response, 401, {
    httpStatus: "Unauthorized",
    httpStatusCode: 401,
    status: "ERROR",
    message,
    errorCode: "E1006",
  });
}

function login(username: string, password: string, address: string): boolean {
  if (USERS[username] !== undefined && USERS[username] === password) {
    const session = createHash("sha256").update(randomBytes(16)).digest("hex");
    authentication(
      "AuthenticationSuccessEvent",
      `username: ${sanitise(username)}; ip: ${address}; sessionId: ${session}`,
    );
    return true;
  }
  // 2.41 to 2.43 write no line for an unknown user name.
  if (USERS[username] !== undefined) {
    authentication(
      "AuthenticationFailureBadCredentialsEvent",
      `username: ${sanitise(username)}; exception: Bad credentials`,
    );
  }
  return false;
}

/** Returns the client's address: X-Forwarded-For as it came, like DHIS2. */
function addressOf(request: IncomingMessage): string {
  return String(request.headers["x-forwarded-for"] ?? request.socket.remoteAddress ?? "");
}

function basicLogin(request: IncomingMessage): string | undefined {
  const [scheme, encoded] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Basic" || encoded === undefined) return undefined;
  const [username = "", password = ""] = Buffer.from(encoded, "base64").toString().split(/:(.*)/s);
  return login(username, password, addressOf(request)) ? username : undefined;
}

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 100_000) throw new Error("too long");
  }
  const body: unknown = JSON.parse(text);
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "").replace(/^\/dhis/, "").split("?")[0] ?? "";
  if (request.method === "GET" && path === "/api/ping") return answer(response, 200, { pong: true });
  if (request.method === "POST" && path === "/api/auth/login") {
    const { username = "", password = "" } = await read(request);
    if (!login(String(username), String(password), addressOf(request)))
      return unauthorized(response, "Bad credentials");
    return answer(response, 200, { loginStatus: "SUCCESS", redirectUrl: "/dhis-web-dashboard/" });
  }
  const actor = basicLogin(request);
  if (actor === undefined) return unauthorized(response, "Unauthorized");
  const done = { httpStatus: "OK", httpStatusCode: 200, status: "OK" };
  if (request.method === "GET" && path === "/api/dataValueSets")
    return answer(response, 200, { dataValues: [] });
  if (request.method === "POST" && path.startsWith("/api/systemSettings/"))
    return answer(response, 200, done);
  const [, collection = "", uid = "Uid00000001"] =
    /^\/api\/([A-Za-z]+)(?:\/([A-Za-z0-9]{11}))?$/.exec(path) ?? [];
  const [klass, auditType] = [KLASSES[collection], AUDIT_TYPES[request.method ?? ""]];
  if (klass !== undefined && auditType !== undefined) {
    const body = auditType === "DELETE" ? {} : await read(request);
    audit(
      actor,
      auditType,
      klass,
      uid,
      collection === "users" ? { ...body, userRoles: [SUPERUSER_ROLE] } : body,
    );
    return answer(response, 200, done);
  }
  answer(response, 404, {
    httpStatus: "Not Found",
    httpStatusCode: 404,
    status: "ERROR",
    message: "Not found",
  });
}

createServer((request, response) => {
  handle(request, response).catch(() =>
    answer(response, 400, { httpStatus: "Bad Request", httpStatusCode: 400 }),
  );
}).listen(PORT, () => log("Server startup", "Catalina.java"));
