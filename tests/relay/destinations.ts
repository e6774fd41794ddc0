import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { unquote } from "../../lab/receivers/mail";

export const PASSWORD = "a-password-for-mail";

/** A key and a certificate for the loopback, made for this run. */
export function certificate(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "dhis2-siem-certificate-"));
  try {
    const [key, cert] = [join(folder, "key"), join(folder, "cert")];
    const request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=loopback".split(" ");
    execFileSync(
      "openssl",
      [...request, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
      { stdio: "pipe" },
    );
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export type Certificate = ReturnType<typeof certificate>;

/** A message as it was received. */
export interface Mail {
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: string;
  /** Headers and body, with quoted-printable undone. */
  readonly text: string;
}

/** A mail server that a test can stop, or set to refuse messages (550). */
export class MailServer {
  readonly got: Mail[] = [];
  refuses = false;
  /** It refuses messages that contain this text (554), as a spam filter does. */
  refusedText: string | undefined;
  /** How many messages it refused. */
  refused = 0;
  port = 0;
  private server: SMTPServer | undefined;

  constructor(private readonly certificate: Certificate) {}

  async up(): Promise<this> {
    const server = new SMTPServer({
      ...this.certificate,
      authMethods: ["PLAIN"],
      logger: false,
      disableReverseLookup: true,
      onAuth: ({ username, password }, _session, done) =>
        password === PASSWORD
          ? done(null, { user: username })
          : done(new Error("Invalid username or password")),
      onData: (stream, session, done) => {
        void text(stream).then((raw) => {
          if (this.refuses) {
            this.refused++;
            return done(Object.assign(new Error("No such mailbox"), { responseCode: 550 }));
          }
          if (this.refusedText !== undefined && unquote(raw).includes(this.refusedText)) {
            this.refused++;
            return done(Object.assign(new Error("This is spam"), { responseCode: 554 }));
          }
          this.got.push({
            to: session.envelope.rcptTo.map(({ address }) => address),
            secure: session.secure,
            user: String(session.user),
            text: unquote(raw),
          });
          done();
        });
      },
    });
    server.on("error", () => undefined);
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.server.address() as AddressInfo).port;
    this.server = server;
    return this;
  }

  async down(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(resolve));
  }
}

export interface Posted {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

/** A receiver of webhooks over HTTPS. */
export class Receiver {
  readonly got: Posted[] = [];
  /** The status of its replies. Messages that it refuses are counted, but not kept. */
  status = 200;
  refused = 0;
  /** It refuses messages that contain this text (422). */
  refusedText: string | undefined;
  /** Called with each message before the reply is sent. */
  onPost: (posted: Posted) => void = () => undefined;
  port = 0;
  private server: Server | undefined;

  constructor(private readonly certificate: Certificate) {}

  async up(): Promise<this> {
    const server = createServer(this.certificate, (request, response) => void this.take(request, response));
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
    return this;
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await text(request);
    const body = JSON.parse(raw) as Record<string, unknown>;
    const status = this.refusedText !== undefined && raw.includes(this.refusedText) ? 422 : this.status;
    if (status < 300) {
      const posted = { path: request.url ?? "", headers: request.headers, body };
      this.got.push(posted);
      this.onPost(posted);
    } else this.refused++;
    response.writeHead(status).end("{}");
  }

  async down(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** Returns the ids of the received alerts in order, once for each time that they were received. */
  alertIds(): string[] {
    return this.got.flatMap(({ body }) => (body.alerts as { _id: string }[]).map(({ _id }) => _id));
  }
}
