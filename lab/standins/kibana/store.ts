import { createCipheriv, createDecipheriv, createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Alert, Rule } from "./rule";
import type { Json } from "./words";

export interface SavedObject {
  type: string;
  id: string;
  attributes: Json;
  references: { type: string; id: string; name: string }[];
  [more: string]: unknown;
}
export interface Connector {
  id: string;
  name: string;
  connector_type_id: string;
  config: Json;
}
/** A rule with what Kibana keeps beside it. */
export interface StoredRule {
  rule: Rule;
  owner: string;
  created: { at: string; by: string };
  updated: { at: string; by: string };
  /** The API key the rule runs with (`id:key`, sealed); null until the rule is enabled for the first time. */
  apiKey: string | null;
  alerts: Record<string, Alert>;
  seenUntil: string | null;
  nextRun: string | null;
  lastRun: { at: string; milliseconds: number; error: string | null; warnings: string[] } | null;
}
interface State {
  uuid: string;
  objects: Record<string, SavedObject>;
  connectors: Record<string, Connector>;
  rules: Record<string, StoredRule>;
  defaultDataView: string | null;
}

/** What Kibana would keep in Elasticsearch's system indices: here one JSON file, replaced whole at each change. */
export class Store {
  readonly state: State;
  private readonly file: string;

  constructor(folder: string) {
    this.file = join(folder, "kibana-standin.json");
    mkdirSync(folder, { recursive: true });
    this.state = existsSync(this.file)
      ? (JSON.parse(readFileSync(this.file, "utf8")) as State)
      : { uuid: randomUUID(), objects: {}, connectors: {}, rules: {}, defaultDataView: null };
  }

  save(): void {
    writeFileSync(`${this.file}.new`, JSON.stringify(this.state), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }
}

const cipherKey = (secret: string) => createHash("sha256").update(secret).digest();

/** Encrypts a text with Kibana's encryption key. */
export function seal(text: string, secret: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", cipherKey(secret), iv);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64");
}

/** The opposite of `seal`; throws when the key is another one. */
export function unseal(text: string, secret: string): string {
  const bytes = Buffer.from(text, "base64");
  const decipher = createDecipheriv("aes-256-gcm", cipherKey(secret), bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8");
  } catch {
    throw new Error('Unable to decrypt attribute "apiKey"');
  }
}
