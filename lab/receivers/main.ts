/**
 * The receivers of the lab's alerts: a real SMTP server (STARTTLS, with a login) and a webhook server (HTTPS) on the lab's
 * bridge. Each message is stored as a line of JSON in `got.ndjson`. While a file `refuse` exists, both refuse messages, with
 * 550 and 401.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { unquote } from "./mail";
import { FOLDER, MAIL_PORT, RECEIVER_ADDRESS, type Received, WEBHOOK_PORT } from ".";

const read = (file: string) => readFileSync(join(FOLDER, file), "utf8");
const certificate = { key: read("key.pem"), cert: read("cert.pem") };
const password = read("password");

const refuses = () => existsSync(join(FOLDER, "refuse"));

function keep(received: Received): void {
  appendFileSync(join(FOLDER, "got.ndjson"), `${JSON.stringify(received)}\n`);
}

const mail = new SMTPServer({
  ...certificate,
  authMethods: ["PLAIN", "LOGIN"],
  logger: false,
  disableReverseLookup: true,
  onAuth: (login, _session, done) =>
    login.password === password ? done(null, { user: login.username }) : done(new Error("wrong password")),
  onData: (stream, session, done) => {
    void text(stream).then((message) => {
      if (refuses()) return done(Object.assign(new Error("No such mailbox"), { responseCode: 550 }));
      const to = session.envelope.rcptTo.map(({ address }) => address);
      keep({
        at: new Date().toISOString(),
        by: "mail",
        to,
        secure: session.secure,
        text: unquote(message).replaceAll("\r", ""),
      });
      done();
    });
  },
});
mail.on("error", () => undefined);

const webhook = createServer(certificate, (request, response) => {
  void text(request).then((body) => {
    if (refuses()) return response.writeHead(401).end();
    keep({ at: new Date().toISOString(), by: "webhook", body: JSON.parse(body) as Record<string, unknown> });
    response.writeHead(200).end("{}");
  });
});

mail.listen(MAIL_PORT, RECEIVER_ADDRESS);
webhook.listen(WEBHOOK_PORT, RECEIVER_ADDRESS);
