import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BRIDGE_ADDRESS, LAB_STATE } from "../places";

/** The folder of the receivers' certificate, password and received messages. */
export const FOLDER = join(LAB_STATE, "receivers");
export const RECEIVER_ADDRESS = BRIDGE_ADDRESS;
export const MAIL_PORT = 2525;
export const WEBHOOK_PORT = 8443;

/** A message as it was received. */
export type Received =
  | {
      readonly at: string;
      readonly by: "mail";
      readonly to: readonly string[];
      readonly secure: boolean;
      readonly text: string;
    }
  | { readonly at: string; readonly by: "webhook"; readonly body: Record<string, unknown> };

/** Returns the messages received since a time (ISO), in order. */
export function received(since = ""): Received[] {
  const file = join(FOLDER, "got.ndjson");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Received)
    .filter(({ at }) => at >= since);
}

/** Returns the ids of the alerts that the webhook received since a time, each as often as it was received. */
export function deliveredAlerts(since: string): string[] {
  return received(since).flatMap((one) =>
    one.by === "webhook" ? (one.body.alerts as { _id: string }[]).map(({ _id }) => _id) : [],
  );
}

/** Returns the lab's delivery config (mail, grouped for a minute, and a webhook without grouping) and the mail password. */
export function deliverySettings(): {
  delivery: { destinations: ({ name: string } & Record<string, unknown>)[] };
  secrets: Record<string, string>;
} {
  const ca = readFileSync(join(FOLDER, "cert.pem"), "utf8");
  return {
    delivery: {
      destinations: [
        {
          name: "duty",
          type: "email",
          host: RECEIVER_ADDRESS,
          port: MAIL_PORT,
          from: "siem@lab.test",
          to: "duty@lab.test",
          user: "siem",
          ca,
          group: 1,
        },
        {
          name: "soar",
          type: "webhook",
          url: `https://${RECEIVER_ADDRESS}:${WEBHOOK_PORT}/alerts`,
          ca,
          group: 0,
        },
      ],
    },
    secrets: { duty: readFileSync(join(FOLDER, "password"), "utf8") },
  };
}
