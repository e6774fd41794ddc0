import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import type { Alert } from "../../../tools/detections/es-query";
import { type indexConfig, Refusal, type ruleCreate, type savedObject, type viewCreate } from "./schemas";

/** A rule as the API shows it, and what Kibana keeps beside it. */
export interface Rule extends z.output<typeof ruleCreate> {
  id: string;
  revision: number;
  created_at: string;
  kept: {
    /** `id:key`: what the rule may do is what the user who saved it last may. */
    apiKey: string;
    alerts: Record<string, Alert>;
    seenUntil: string | null;
    /** In milliseconds since 1970. */
    nextRun: number;
    lastRun: { at: string; error?: string; warning?: string } | null;
  };
}
export interface Connector {
  id: string;
  name: string;
  connector_type_id: string;
  config: z.output<typeof indexConfig>;
}
export type SavedObject = z.output<typeof savedObject>;

/** By the type's name in Kibana's messages, and then by id. */
type State = {
  alert: Record<string, Rule>;
  action: Record<string, Connector>;
  "index-pattern": Record<string, z.output<typeof viewCreate>["data_view"]>;
  dashboard: Record<string, SavedObject>;
  search: Record<string, SavedObject>;
};

/** What Kibana would keep in Elasticsearch's system indices: here one JSON file, replaced whole at each change. */
export class Store {
  readonly state: State = { alert: {}, action: {}, "index-pattern": {}, dashboard: {}, search: {} };
  private readonly file: string;

  constructor(folder: string) {
    this.file = join(folder, "saved-objects.json");
    mkdirSync(folder, { recursive: true });
    if (existsSync(this.file)) this.state = JSON.parse(readFileSync(this.file, "utf8")) as State;
  }

  save(): void {
    writeFileSync(`${this.file}.new`, JSON.stringify(this.state), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }

  has(type: string, id: string): boolean {
    const types: Record<string, object> = this.state;
    return Object.hasOwn(types[type] ?? {}, id);
  }

  /** Throws Kibana's 404 where there is none. */
  find<T extends keyof State>(type: T, id: string): State[T][string] {
    if (!this.has(type, id)) throw new Refusal(404, `Saved object [${type}/${id}] not found`);
    return this.state[type][id] as State[T][string];
  }

  /** Throws Kibana's 409 where there is one already. */
  mustBeNew(type: keyof State, id: string): void {
    if (this.has(type, id)) throw new Refusal(409, `Saved object [${type}/${id}] conflict`);
  }

  remove(type: keyof State, id: string): void {
    this.find(type, id);
    delete this.state[type][id];
    this.save();
  }
}
